resource "kubernetes_manifest" "external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "photo-book-secrets"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-kv"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "photo-book-secrets"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
        }
      }
      data = [
        { secretKey = "API_KEY", remoteRef = { key = "photo-book", property = "api_key" } },
        { secretKey = "homepage-key", remoteRef = { key = "photo-book", property = "api_key" } },
      ]
    }
  }

  wait {
    condition {
      type   = "Ready"
      status = "True"
    }
  }

  depends_on = [kubernetes_namespace.photo_book]
}

data "kubernetes_secret" "homepage" {
  metadata {
    name      = "photo-book-secrets"
    namespace = kubernetes_namespace.photo_book.metadata[0].name
  }

  depends_on = [kubernetes_manifest.external_secret]
}

resource "kubernetes_manifest" "db_external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "photo-book-db-creds"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-database"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "photo-book-db-creds"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
          data = {
            DATABASE_URL = "postgresql://photo_book:{{ .password }}@${var.postgresql_host}:5432/photo_book"
          }
        }
      }
      data = [
        { secretKey = "password", remoteRef = { key = "static-creds/pg-photo-book", property = "password" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.photo_book]
}
