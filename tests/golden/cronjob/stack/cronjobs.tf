resource "kubernetes_cron_job_v1" "fetch" {
  metadata {
    name      = "rate-watch-fetch"
    namespace = kubernetes_namespace.rate_watch.metadata[0].name
    labels    = local.labels
  }

  spec {
    schedule                      = "15 6 * * 1-5"
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
        active_deadline_seconds = 900

        template {
          metadata {
            labels = {
              job = "rate-watch-fetch"
            }
            annotations = {
              "dependency.kyverno.io/wait-for" = "postgresql.dbaas:5432"
            }
          }

          spec {
            restart_policy = "OnFailure"

            image_pull_secrets {
              name = "ghcr-credentials"
            }

            init_container {
              name    = "migrate"
              image   = local.image
              command = ["python", "-m", "app.migrations"]

              env {
                name = "RATES_DSN"
                value_from {
                  secret_key_ref {
                    name = "rate-watch-db-creds"
                    key  = "RATES_DSN"
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
                  memory = "512Mi"
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
              name              = "fetch"
              image             = local.image
              image_pull_policy = "Always"

              env {
                name = "RATES_DSN"
                value_from {
                  secret_key_ref {
                    name = "rate-watch-db-creds"
                    key  = "RATES_DSN"
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
                  memory = "512Mi"
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
    }
  }

  lifecycle {
    ignore_changes = [spec[0].job_template[0].spec[0].template[0].spec[0].dns_config] # KYVERNO_LIFECYCLE_V1
  }

  depends_on = [
    kubernetes_manifest.db_external_secret,
  ]
}

resource "kubernetes_cron_job_v1" "tidy" {
  metadata {
    name      = "rate-watch-tidy"
    namespace = kubernetes_namespace.rate_watch.metadata[0].name
    labels    = local.labels
  }

  spec {
    schedule                      = "@weekly"
    concurrency_policy            = "Forbid"
    suspend                       = true
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
              job = "rate-watch-tidy"
            }
            annotations = {
              "dependency.kyverno.io/wait-for" = "postgresql.dbaas:5432"
            }
          }

          spec {
            restart_policy = "OnFailure"

            image_pull_secrets {
              name = "ghcr-credentials"
            }

            container {
              name              = "tidy"
              image             = local.image
              image_pull_policy = "Always"
              command           = ["python", "-m", "app", "--older-than", "90d"]

              env {
                name = "RATES_DSN"
                value_from {
                  secret_key_ref {
                    name = "rate-watch-db-creds"
                    key  = "RATES_DSN"
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
                  memory = "128Mi"
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
    }
  }

  lifecycle {
    ignore_changes = [spec[0].job_template[0].spec[0].template[0].spec[0].dns_config] # KYVERNO_LIFECYCLE_V1
  }

  depends_on = [
    kubernetes_manifest.db_external_secret,
  ]
}
