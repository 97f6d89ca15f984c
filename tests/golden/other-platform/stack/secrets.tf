resource "kubernetes_manifest" "db_external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "tickets-db-creds"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "1h"
      secretStoreRef = {
        name = "database-store"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "tickets-db-creds"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
          data = {
            DATABASE_URL = "postgresql://tickets:{{ .password }}@${var.postgresql_host}:6432/tickets"
          }
        }
      }
      data = [
        { secretKey = "password", remoteRef = { key = "static-creds/pg-tickets", property = "password" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.tickets]
}
