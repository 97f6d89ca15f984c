resource "kubernetes_cron_job_v1" "index" {
  metadata {
    name      = "photo-shelf-index"
    namespace = kubernetes_namespace.photo_shelf.metadata[0].name
    labels    = local.labels
  }

  spec {
    schedule                      = "30 2 * * *"
    concurrency_policy            = "Forbid"
    starting_deadline_seconds     = 600
    successful_jobs_history_limit = 3
    failed_jobs_history_limit     = 3

    job_template {
      metadata {
        labels = local.labels
      }

      spec {
        backoff_limit           = 3
        active_deadline_seconds = 3600

        template {
          metadata {
            labels = {
              job = "photo-shelf-index"
            }
            annotations = {
              "dependency.kyverno.io/wait-for" = "redis-master.redis:6379"
            }
          }

          spec {
            restart_policy = "OnFailure"

            container {
              name    = "index"
              image   = local.image
              command = ["photo-shelf", "index"]

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
                name       = "settings"
                mount_path = "/etc/photo-shelf/settings.yml"
                sub_path   = "settings.yml"
              }

              resources {
                requests = {
                  cpu    = "500m"
                  memory = "1Gi"
                }
                limits = {
                  memory = "2Gi"
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
              name = "settings"
              config_map {
                name = kubernetes_config_map.settings.metadata[0].name
              }
            }
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [spec[0].job_template[0].spec[0].template[0].spec[0].dns_config] # KYVERNO_LIFECYCLE_V1
  }

  depends_on = [
    kubernetes_manifest.external_secret,
  ]
}
