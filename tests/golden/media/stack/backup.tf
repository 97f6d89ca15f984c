module "nfs_backup" {
  source     = "../../modules/kubernetes/nfs_volume"
  name       = "photo-shelf-backup"
  namespace  = kubernetes_namespace.photo_shelf.metadata[0].name
  nfs_server = var.nfs_server
  nfs_path   = "/srv/nfs/photo-shelf-backup"
}

resource "kubernetes_cron_job_v1" "backup" {
  metadata {
    name      = "photo-shelf-backup"
    namespace = kubernetes_namespace.photo_shelf.metadata[0].name
    labels    = local.labels
  }

  spec {
    schedule                      = "0 */6 * * *"
    concurrency_policy            = "Forbid"
    starting_deadline_seconds     = 600
    successful_jobs_history_limit = 3
    failed_jobs_history_limit     = 3

    job_template {
      metadata {
        labels = local.labels
      }

      spec {
        backoff_limit = 3

        template {
          metadata {
            labels = {
              job = "photo-shelf-backup"
            }
          }

          spec {
            restart_policy = "OnFailure"

            affinity {
              pod_affinity {
                required_during_scheduling_ignored_during_execution {
                  topology_key = "kubernetes.io/hostname"
                  label_selector {
                    match_labels = local.labels
                  }
                }
              }
            }

            container {
              name  = "backup"
              image = "docker.io/library/alpine:3.22"
              command = ["/bin/sh", "-c", <<-EOT
                set -eu
                apk add --quiet --no-cache sqlite
                archive="/backup/$(date +%Y-%m-%dT%H-%M-%S)"
                mkdir -p "$archive.partial/state"
                sqlite3 "file:/source/state/index.db?mode=rw" ".timeout 60000" ".backup '$archive.partial/state/index.db'"
                mv "$archive.partial" "$archive"
                find /backup -maxdepth 1 -type d -name '20*' -mtime +14 -exec rm -rf {} +
                echo "$archive: $(du -sh "$archive" | cut -f1)"
              EOT
              ]

              volume_mount {
                name       = "source-state"
                mount_path = "/source/state"
              }

              volume_mount {
                name       = "source-cache"
                mount_path = "/source/cache"
              }

              volume_mount {
                name       = "backup"
                mount_path = "/backup"
              }

              resources {
                requests = {
                  cpu    = "10m"
                  memory = "64Mi"
                }
                limits = {
                  memory = "64Mi"
                }
              }
            }

            volume {
              name = "source-state"
              persistent_volume_claim {
                claim_name = kubernetes_persistent_volume_claim.state_encrypted.metadata[0].name
              }
            }

            volume {
              name = "source-cache"
              persistent_volume_claim {
                claim_name = kubernetes_persistent_volume_claim.cache_proxmox.metadata[0].name
              }
            }

            volume {
              name = "backup"
              persistent_volume_claim {
                claim_name = module.nfs_backup.claim_name
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
}
