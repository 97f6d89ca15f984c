resource "kubernetes_deployment" "shortener" {
  metadata {
    name      = "shortener"
    namespace = kubernetes_namespace.shortener.metadata[0].name
    labels = merge(local.labels, {
      tier                  = local.tiers.aux
      "sablier.enable"      = "true"
      "sablier.group"       = "shortener"
      "sablier.ready-after" = "5s"
    })
  }

  spec {
    replicas = 0

    selector {
      match_labels = local.labels
    }

    template {
      metadata {
        labels = local.labels
      }

      spec {
        image_pull_secrets {
          name = "ghcr-credentials"
        }

        container {
          name  = "shortener"
          image = local.image

          port {
            container_port = 8080
          }

          volume_mount {
            name       = "tmp"
            mount_path = "/tmp"
          }

          readiness_probe {
            http_get {
              path = "/healthz"
              port = 8080
            }
            period_seconds  = 10
            timeout_seconds = 5
          }

          liveness_probe {
            http_get {
              path = "/healthz"
              port = 8080
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
      spec[0].template[0].spec[0].dns_config,                             # KYVERNO_LIFECYCLE_V1
      metadata[0].annotations["keel.sh/policy"],                          # KYVERNO_LIFECYCLE_V2
      metadata[0].annotations["keel.sh/trigger"],                         # KYVERNO_LIFECYCLE_V2
      metadata[0].annotations["keel.sh/pollSchedule"],                    # KYVERNO_LIFECYCLE_V2
      metadata[0].annotations["keel.sh/match-tag"],                       # KEEL_LIFECYCLE_V1
      spec[0].template[0].spec[0].container[0].image,                     # KEEL_IGNORE_IMAGE
      metadata[0].annotations["kubernetes.io/change-cause"],              # KEEL_LIFECYCLE_V1
      metadata[0].annotations["deployment.kubernetes.io/revision"],       # KEEL_LIFECYCLE_V1
      spec[0].template[0].metadata[0].annotations["keel.sh/update-time"], # KEEL_LIFECYCLE_V1
      spec[0].replicas,                                                   # SABLIER_MANAGED_REPLICAS
    ]
  }
}
