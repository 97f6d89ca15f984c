resource "kubernetes_deployment" "shop" {
  metadata {
    name      = "shop"
    namespace = kubernetes_namespace.shop.metadata[0].name
    labels    = merge(local.labels, { tier = local.tiers.aux })
  }

  spec {
    replicas = 1

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
          name  = "shop"
          image = local.image

          port {
            container_port = 3000
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
    ]
  }
}
