resource "kubernetes_deployment" "photo_shelf" {
  metadata {
    name      = "photo-shelf"
    namespace = kubernetes_namespace.photo_shelf.metadata[0].name
    labels    = merge(local.labels, { tier = local.tiers.edge })
    annotations = {
      "reloader.stakater.com/search" = "true"
    }
  }

  spec {
    replicas = 1

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
          "dependency.kyverno.io/wait-for" = "redis-master.redis:6379"
        }
      }

      spec {
        container {
          name    = "photo-shelf"
          image   = local.image
          command = ["/entrypoint.sh"]
          args    = ["--listen", "0.0.0.0:2342"]

          port {
            container_port = 2342
          }

          env {
            name  = "SITE_URL"
            value = "https://photo-shelf.viktorbarzin.me"
          }

          env {
            name  = "CACHE"
            value = "redis://${var.redis_host}:6379"
          }

          env {
            name  = "REDIS_URL"
            value = "redis://${var.redis_host}:6379/13"
          }

          env {
            name = "ADMIN_PASSWORD"
            value_from {
              secret_key_ref {
                name = "photo-shelf-secrets"
                key  = "admin_password"
              }
            }
          }

          env {
            name = "SIGNING_KEY"
            value_from {
              secret_key_ref {
                name = "photo-shelf-secrets"
                key  = "signing.key"
              }
            }
          }

          volume_mount {
            name       = "originals"
            mount_path = "/photos"
          }

          volume_mount {
            name       = "state"
            mount_path = "/state"
          }

          volume_mount {
            name       = "cache"
            mount_path = "/cache"
          }

          volume_mount {
            name       = "settings"
            mount_path = "/etc/photo-shelf/settings.yml"
            sub_path   = "settings.yml"
          }

          readiness_probe {
            http_get {
              path = "/healthz"
              port = 2342
            }
            period_seconds  = 10
            timeout_seconds = 5
          }

          liveness_probe {
            http_get {
              path = "/healthz"
              port = 2342
            }
            initial_delay_seconds = 15
            period_seconds        = 30
            timeout_seconds       = 5
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

        volume {
          name = "originals"
          persistent_volume_claim {
            claim_name = module.nfs_originals.claim_name
          }
        }

        volume {
          name = "state"
          persistent_volume_claim {
            claim_name = kubernetes_persistent_volume_claim.state_encrypted.metadata[0].name
          }
        }

        volume {
          name = "cache"
          persistent_volume_claim {
            claim_name = kubernetes_persistent_volume_claim.cache_proxmox.metadata[0].name
          }
        }

        volume {
          name = "settings"
          config_map {
            name = kubernetes_config_map.settings.metadata[0].name
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
    ]
  }

  depends_on = [
    kubernetes_manifest.external_secret,
  ]
}
