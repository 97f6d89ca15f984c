resource "kubernetes_manifest" "external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "city-guide-secrets"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-kv"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "city-guide-secrets"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
        }
      }
      data = [
        { secretKey = "API_TOKEN", remoteRef = { key = "city-guide", property = "api_token" } },
        { secretKey = "SIGNING_KEY", remoteRef = { key = "city-guide", property = "signing_key" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.city_guide]
}

resource "kubernetes_manifest" "db_external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "city-guide-db-creds"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-database"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "city-guide-db-creds"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
          data = {
            DATABASE_URL      = "postgresql+asyncpg://city_guide:{{ .password }}@${var.postgresql_host}:5432/city_guide"
            DATABASE_PASSWORD = "{{ .password }}"
          }
        }
      }
      data = [
        { secretKey = "password", remoteRef = { key = "static-creds/pg-city-guide", property = "password" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.city_guide]
}
