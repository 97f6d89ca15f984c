resource "kubernetes_manifest" "db_external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "boiler-db-creds"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-database"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "boiler-db-creds"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
          data = {
            PGHOST     = var.postgresql_host
            PGPASSWORD = "{{ .password }}"
          }
        }
      }
      data = [
        { secretKey = "password", remoteRef = { key = "static-creds/pg-boiler-app", property = "password" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.boiler]
}
