resource "kubernetes_service" "shop" {
  metadata {
    name      = "shop"
    namespace = kubernetes_namespace.shop.metadata[0].name
    labels    = local.labels
  }

  spec {
    selector = local.labels

    port {
      name        = "http"
      port        = 80
      target_port = 3000
    }
  }
}
