resource "kubernetes_deployment" "photo_book" {
  metadata {
    name      = "photo-book"
    namespace = kubernetes_namespace.photo_book.metadata[0].name
    labels = merge(local.labels, {
      tier                  = local.tiers.edge
      "sablier.enable"      = "true"
      "sablier.group"       = "photo-book"
      "sablier.ready-after" = "5s"
    })
    annotations = {
      "reloader.stakater.com/search" = "true"
    }
  }

  spec {
    replicas = 0

    strategy {
      type = "Recreate"
    }

    selector {
      match_labels = local.labels
    }

    template {
      metadata {
        labels = local.labels
        annotations = {
          "diun.enable"                    = "true"
          "diun.include_tags"              = "^2\\.\\d+\\.\\d+$"
          "dependency.kyverno.io/wait-for" = "postgresql.dbaas:5432,redis-master.redis:6379"
        }
      }

      spec {
        container {
          name  = "photo-book"
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
            name  = "REDIS_URL"
            value = "redis://${var.redis_host}:6379/6"
          }

          env {
            name = "API_KEY"
            value_from {
              secret_key_ref {
                name = "photo-book-secrets"
                key  = "API_KEY"
              }
            }
          }

          env {
            name = "DATABASE_URL"
            value_from {
              secret_key_ref {
                name = "photo-book-db-creds"
                key  = "DATABASE_URL"
              }
            }
          }

          volume_mount {
            name       = "data"
            mount_path = "/data"
          }

          readiness_probe {
            http_get {
              path = "/healthz"
              port = 3000
            }
            period_seconds  = 10
            timeout_seconds = 5
          }

          liveness_probe {
            http_get {
              path = "/healthz"
              port = 3000
            }
            initial_delay_seconds = 15
            period_seconds        = 30
            timeout_seconds       = 5
          }

          resources {
            requests = {
              cpu    = "10m"
              memory = "512Mi"
            }
            limits = {
              memory = "1024Mi"
            }
          }
        }

        volume {
          name = "data"
          persistent_volume_claim {
            claim_name = kubernetes_persistent_volume_claim.data_encrypted.metadata[0].name
          }
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
      metadata[0].annotations["kubernetes.io/change-cause"],                                   # KEEL_LIFECYCLE_V1
      metadata[0].annotations["deployment.kubernetes.io/revision"],                            # KEEL_LIFECYCLE_V1
      spec[0].template[0].metadata[0].annotations["keel.sh/update-time"],                      # KEEL_LIFECYCLE_V1
      spec[0].template[0].metadata[0].annotations["reloader.stakater.com/last-reloaded-from"], # RELOADER_LIFECYCLE_V1
      spec[0].replicas,                                                                        # SABLIER_MANAGED_REPLICAS
    ]
  }

  depends_on = [
    kubernetes_manifest.external_secret,
    kubernetes_manifest.db_external_secret,
  ]
}
