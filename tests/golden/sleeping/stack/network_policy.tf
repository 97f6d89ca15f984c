resource "kubernetes_network_policy_v1" "ingress" {
  metadata {
    name      = "photo-book-ingress"
    namespace = kubernetes_namespace.photo_book.metadata[0].name
  }

  spec {
    pod_selector {
      match_labels = local.labels
    }
    policy_types = ["Ingress"]

    ingress {
      from {
        namespace_selector {
          match_labels = {
            "kubernetes.io/metadata.name" = local.namespace
          }
        }
      }
    }

    ingress {
      from {
        namespace_selector {
          match_labels = {
            "kubernetes.io/metadata.name" = "traefik"
          }
        }
      }
      ports {
        port     = "3000"
        protocol = "TCP"
      }
      ports {
        port     = "3001"
        protocol = "TCP"
      }
    }

    ingress {
      from {
        namespace_selector {
          match_labels = {
            "kubernetes.io/metadata.name" = "monitoring"
          }
        }
      }
      ports {
        port     = "9100"
        protocol = "TCP"
      }
    }

    ingress {
      from {
        namespace_selector {
          match_labels = {
            "kubernetes.io/metadata.name" = "homepage"
          }
        }
      }
      ports {
        port     = "3000"
        protocol = "TCP"
      }
    }
  }
}
