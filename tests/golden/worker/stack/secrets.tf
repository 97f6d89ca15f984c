resource "kubernetes_manifest" "external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "mail-sorter-secrets"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-kv"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "mail-sorter-secrets"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
        }
      }
      data = [
        { secretKey = "IMAP_PASSWORD", remoteRef = { key = "mail-sorter", property = "imap_password" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.mail_sorter]
}
