resource "kubernetes_manifest" "db_external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "legacy-api-db-creds"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-database"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "legacy-api-db-creds"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
          data = {
            DB_HOST     = var.mysql_host
            DB_PORT     = "3306"
            DB_USER     = "legacy_api"
            DB_PASSWORD = "{{ .password }}"
            DB_NAME     = "legacy_api"
          }
        }
      }
      data = [
        { secretKey = "password", remoteRef = { key = "static-creds/mysql-legacy-api", property = "password" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.legacy_api]
}
