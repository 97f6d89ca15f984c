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
        backoff_limit           = 3
        active_deadline_seconds = 21600

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
              image = "docker.io/library/python:3.12-alpine"
              command = ["/bin/sh", "-c", <<-EOT
                set -eu
                archive="/backup/$(date +%Y-%m-%dT%H-%M-%S)"
                python3 - "$archive.partial" /state/index.db <<'PY'
                import os, sqlite3, sys
                from contextlib import closing
                target, *files = sys.argv[1:]
                for file in files:
                    os.makedirs(os.path.dirname(target + file), exist_ok=True)
                    source = sqlite3.connect(f"file:/source{file}?mode=rw", uri=True)
                    with closing(source), closing(sqlite3.connect(target + file)) as copy:
                        source.backup(copy)
                PY
                mv "$archive.partial" "$archive"
                find /backup -maxdepth 1 -type d -name '20*' -mtime +14 -exec rm -rf {} +
                echo "$archive: $(du -sh "$archive" | cut -f1)"
                wget -q -T 10 -O /dev/null --post-data "backup_last_success_timestamp $(date +%s)
                " "http://prometheus-prometheus-pushgateway.monitoring:9091/metrics/job/photo-shelf-backup" || echo "it is saved, and the Pushgateway did not take the time" >&2
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
