resource "kubernetes_manifest" "db_external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "rate-watch-db-creds"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-database"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "rate-watch-db-creds"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
          data = {
            RATES_DSN = "postgresql://rate_watch:{{ .password }}@${var.postgresql_host}:5432/rates"
          }
        }
      }
      data = [
        { secretKey = "password", remoteRef = { key = "static-creds/pg-rate-watch", property = "password" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.rate_watch]
}
