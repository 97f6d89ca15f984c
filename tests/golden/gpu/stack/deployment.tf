resource "kubernetes_deployment" "transcriber" {
  metadata {
    name      = "transcriber"
    namespace = kubernetes_namespace.transcriber.metadata[0].name
    labels    = merge(local.labels, { tier = local.tiers.gpu })
    annotations = {
      "keel.sh/policy" = "never"
    }
  }

  spec {
    replicas = 1

    # Recreate: the old pod and the new one take 16Gi of memory and a namespace of tier gpu has 12Gi.
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
          "diun.enable"       = "true"
          "diun.include_tags" = "^v\\d+\\.\\d+\\.\\d+$"
        }
      }

      spec {
        node_selector = {
          "nvidia.com/gpu.present" = "true"
        }

        toleration {
          key      = "nvidia.com/gpu"
          operator = "Equal"
          value    = "true"
          effect   = "NoSchedule"
        }

        security_context {
          run_as_user  = 1000
          run_as_group = 1000
          fs_group     = 44
        }

        container {
          name  = "transcriber"
          image = local.image

          volume_mount {
            name       = "models"
            mount_path = "/models"
            read_only  = true
          }

          volume_mount {
            name       = "scratch"
            mount_path = "/tmp/work"
          }

          resources {
            requests = {
              cpu    = "2"
              memory = "8Gi"
            }
            limits = {
              memory                   = "8Gi"
              "nvidia.com/gpu"         = "1"
              "viktorbarzin.me/gpumem" = "1500"
            }
          }
        }

        volume {
          name = "models"
          persistent_volume_claim {
            claim_name = module.nfs_models.claim_name
          }
        }

        volume {
          name = "scratch"
          empty_dir {
            size_limit = "10Gi"
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [
      spec[0].template[0].spec[0].dns_config, # KYVERNO_LIFECYCLE_V1
    ]
  }
}
