resource "kubernetes_deployment" "legacy_api" {
  metadata {
    name      = "legacy-api"
    namespace = kubernetes_namespace.legacy_api.metadata[0].name
    labels    = merge(local.labels, { tier = local.tiers.aux })
    annotations = {
      "keel.sh/policy"               = "force"
      "keel.sh/trigger"              = "poll"
      "keel.sh/pollSchedule"         = "@every 5m"
      "keel.sh/match-tag"            = "true"
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
          "dependency.kyverno.io/wait-for" = "mysql.dbaas:3306"
        }
      }

      spec {
        image_pull_secrets {
          name = "ghcr-credentials"
        }

        container {
          name  = "legacy-api"
          image = local.image

          port {
            container_port = 3000
          }

          port {
            container_port = 9100
          }

          port {
            container_port = 3001
          }

          env {
            name = "DB_HOST"
            value_from {
              secret_key_ref {
                name = "legacy-api-db-creds"
                key  = "DB_HOST"
              }
            }
          }

          env {
            name = "DB_PORT"
            value_from {
              secret_key_ref {
                name = "legacy-api-db-creds"
                key  = "DB_PORT"
              }
            }
          }

          env {
            name = "DB_USER"
            value_from {
              secret_key_ref {
                name = "legacy-api-db-creds"
                key  = "DB_USER"
              }
            }
          }

          env {
            name = "DB_PASSWORD"
            value_from {
              secret_key_ref {
                name = "legacy-api-db-creds"
                key  = "DB_PASSWORD"
              }
            }
          }

          env {
            name = "DB_NAME"
            value_from {
              secret_key_ref {
                name = "legacy-api-db-creds"
                key  = "DB_NAME"
              }
            }
          }

          startup_probe {
            tcp_socket {
              port = 3000
            }
            period_seconds    = 5
            timeout_seconds   = 5
            failure_threshold = 6
          }

          readiness_probe {
            tcp_socket {
              port = 3000
            }
            period_seconds  = 10
            timeout_seconds = 5
          }

          liveness_probe {
            tcp_socket {
              port = 3000
            }
            period_seconds  = 30
            timeout_seconds = 5
          }

          resources {
            requests = {
              cpu    = "10m"
              memory = "256Mi"
            }
            limits = {
              memory = "512Mi"
            }
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [
      spec[0].template[0].spec[0].dns_config,                                                  # KYVERNO_LIFECYCLE_V1
      spec[0].template[0].spec[0].container[0].image,                                          # KEEL_IGNORE_IMAGE
      metadata[0].annotations["kubernetes.io/change-cause"],                                   # KEEL_LIFECYCLE_V1
      metadata[0].annotations["deployment.kubernetes.io/revision"],                            # KEEL_LIFECYCLE_V1
      spec[0].template[0].metadata[0].annotations["keel.sh/update-time"],                      # KEEL_LIFECYCLE_V1
      spec[0].template[0].metadata[0].annotations["reloader.stakater.com/last-reloaded-from"], # RELOADER_LIFECYCLE_V1
    ]
  }

  depends_on = [
    kubernetes_manifest.db_external_secret,
  ]
}
