resource "kubernetes_manifest" "db_external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "menu-db-creds"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-database"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "menu-db-creds"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
          data = {
            DATABASE_URL = "postgresql://menu:{{ .password }}@${var.postgresql_host}:5432/menu"
          }
        }
      }
      data = [
        { secretKey = "password", remoteRef = { key = "static-creds/pg-menu", property = "password" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.menu]
}
