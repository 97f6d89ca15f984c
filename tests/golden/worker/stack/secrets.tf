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

resource "kubernetes_manifest" "db_external_secret" {
  field_manager {
    force_conflicts = true
  }

  manifest = {
    apiVersion = "external-secrets.io/v1"
    kind       = "ExternalSecret"
    metadata = {
      name      = "mail-sorter-db-creds"
      namespace = local.namespace
    }
    spec = {
      refreshInterval = "15m"
      secretStoreRef = {
        name = "vault-database"
        kind = "ClusterSecretStore"
      }
      target = {
        name = "mail-sorter-db-creds"
        template = {
          metadata = {
            annotations = {
              "reloader.stakater.com/match" = "true"
            }
          }
          data = {
            DATABASE_URL = "mysql://mail_sorter:{{ .password }}@${var.mysql_host}:3306/mail_sorter"
          }
        }
      }
      data = [
        { secretKey = "password", remoteRef = { key = "static-creds/mysql-mail-sorter", property = "password" } },
      ]
    }
  }

  depends_on = [kubernetes_namespace.mail_sorter]
}
