resource "kubernetes_service" "web" {
  metadata {
    name      = "tb"
    namespace = kubernetes_namespace.tool-box.metadata[0].name
    labels    = local.labels
  }

  spec {
    selector = local.labels

    port {
      name        = "http"
      port        = 80
      target_port = 8000
    }
  }
}
