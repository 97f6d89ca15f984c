module "nfs_backup" {
  source     = "../../modules/kubernetes/nfs_volume"
  name       = "city-guide-backup"
  namespace  = kubernetes_namespace.city_guide.metadata[0].name
  nfs_server = var.nfs_server
  nfs_path   = "/srv/nfs/city-guide-backup"
}

resource "kubernetes_cron_job_v1" "backup" {
  metadata {
    name      = "city-guide-backup"
    namespace = kubernetes_namespace.city_guide.metadata[0].name
    labels    = local.labels
  }

  spec {
    schedule                      = "30 3 * * 0"
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
              job = "city-guide-backup"
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
                archive="/backup/$(date +%Y-%m-%dT%H-%M-%S).tar.gz"
                tar -czf "$archive.partial" -C /source .
                mv "$archive.partial" "$archive"
                find /backup -maxdepth 1 -name '*.tar.gz*' -mtime +30 -delete
                echo "$archive: $(du -h "$archive" | cut -f1)"
                wget -q -T 10 -O /dev/null --post-data "backup_last_success_timestamp $(date +%s)
                " "http://prometheus-prometheus-pushgateway.monitoring:9091/metrics/job/city-guide-backup" || echo "it is saved, and the Pushgateway did not take the time" >&2
              EOT
              ]

              volume_mount {
                name       = "source-data"
                mount_path = "/source/data"
                read_only  = true
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

              security_context {
                read_only_root_filesystem  = true
                allow_privilege_escalation = false

                seccomp_profile {
                  type = "RuntimeDefault"
                }
              }
            }

            volume {
              name = "source-data"
              persistent_volume_claim {
                claim_name = kubernetes_persistent_volume_claim.data_encrypted.metadata[0].name
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
