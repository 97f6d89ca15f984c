resource "kubernetes_deployment" "mail_sorter" {
  metadata {
    name      = "mail-sorter"
    namespace = kubernetes_namespace.mail_sorter.metadata[0].name
    labels    = merge(local.labels, { tier = local.tiers.cluster })
    annotations = {
      "reloader.stakater.com/search" = "true"
    }
  }

  spec {
    replicas = 1

    selector {
      match_labels = local.labels
    }

    template {
      metadata {
        labels = local.labels
        annotations = {
          "dependency.kyverno.io/wait-for" = "mysql.dbaas:3306,redis-master.redis:6379"
        }
      }

      spec {
        image_pull_secrets {
          name = "ghcr-credentials"
        }

        init_container {
          name    = "migrate"
          image   = local.image
          command = ["/service", "migrations"]

          env {
            name  = "IMAP_HOST"
            value = var.mail_host
          }

          env {
            name  = "REDIS_URL"
            value = "redis://${var.redis_host}:6379/0"
          }

          env {
            name = "IMAP_PASSWORD"
            value_from {
              secret_key_ref {
                name = "mail-sorter-secrets"
                key  = "IMAP_PASSWORD"
              }
            }
          }

          env {
            name = "DATABASE_URL"
            value_from {
              secret_key_ref {
                name = "mail-sorter-db-creds"
                key  = "DATABASE_URL"
              }
            }
          }

          volume_mount {
            name       = "tmp"
            mount_path = "/tmp"
          }

          resources {
            requests = {
              cpu    = "10m"
              memory = "256Mi"
            }
            limits = {
              memory = "256Mi"
            }
          }

          security_context {
            read_only_root_filesystem  = true
            run_as_non_root            = true
            allow_privilege_escalation = false

            capabilities {
              drop = ["ALL"]
            }

            seccomp_profile {
              type = "RuntimeDefault"
            }
          }
        }

        container {
          name  = "mail-sorter"
          image = local.image

          env {
            name  = "IMAP_HOST"
            value = var.mail_host
          }

          env {
            name  = "REDIS_URL"
            value = "redis://${var.redis_host}:6379/0"
          }

          env {
            name = "IMAP_PASSWORD"
            value_from {
              secret_key_ref {
                name = "mail-sorter-secrets"
                key  = "IMAP_PASSWORD"
              }
            }
          }

          env {
            name = "DATABASE_URL"
            value_from {
              secret_key_ref {
                name = "mail-sorter-db-creds"
                key  = "DATABASE_URL"
              }
            }
          }

          volume_mount {
            name       = "tmp"
            mount_path = "/tmp"
          }

          resources {
            requests = {
              cpu    = "10m"
              memory = "256Mi"
            }
            limits = {
              memory = "256Mi"
            }
          }

          security_context {
            read_only_root_filesystem  = true
            run_as_non_root            = true
            allow_privilege_escalation = false

            capabilities {
              drop = ["ALL"]
            }

            seccomp_profile {
              type = "RuntimeDefault"
            }
          }
        }

        volume {
          name = "tmp"
          empty_dir {}
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [
      spec[0].template[0].spec[0].dns_config,                                                  # KYVERNO_LIFECYCLE_V1
      metadata[0].annotations["keel.sh/policy"],                                               # KYVERNO_LIFECYCLE_V2
      metadata[0].annotations["keel.sh/trigger"],                                              # KYVERNO_LIFECYCLE_V2
      metadata[0].annotations["keel.sh/pollSchedule"],                                         # KYVERNO_LIFECYCLE_V2
      metadata[0].annotations["keel.sh/match-tag"],                                            # KEEL_LIFECYCLE_V1
      spec[0].template[0].spec[0].container[0].image,                                          # KEEL_IGNORE_IMAGE
      spec[0].template[0].spec[0].init_container[0].image,                                     # KEEL_IGNORE_IMAGE
      metadata[0].annotations["kubernetes.io/change-cause"],                                   # KEEL_LIFECYCLE_V1
      metadata[0].annotations["deployment.kubernetes.io/revision"],                            # KEEL_LIFECYCLE_V1
      spec[0].template[0].metadata[0].annotations["keel.sh/update-time"],                      # KEEL_LIFECYCLE_V1
      spec[0].template[0].metadata[0].annotations["reloader.stakater.com/last-reloaded-from"], # RELOADER_LIFECYCLE_V1
    ]
  }

  depends_on = [
    kubernetes_manifest.external_secret,
    kubernetes_manifest.db_external_secret,
  ]
}
