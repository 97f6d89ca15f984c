resource "kubernetes_manifest" "external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "photo-shelf-secrets"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-kv"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "photo-shelf-secrets"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
        }
      }
      dataFrom = [
        { extract = { key = "photo-shelf" } },
      ]
    }
  }

  wait {
    condition {
      type   = "Ready"
      status = "True"
    }
  }

  depends_on = [kubernetes_namespace.photo_shelf]
}

data "kubernetes_secret" "homepage" {
  metadata {
    name      = "photo-shelf-secrets"
    namespace = kubernetes_namespace.photo_shelf.metadata[0].name
  }

  depends_on = [kubernetes_manifest.external_secret]
}
