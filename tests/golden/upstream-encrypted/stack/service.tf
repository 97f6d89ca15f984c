resource "kubernetes_service" "reader" {
  metadata {
    name      = "reader"
    namespace = kubernetes_namespace.reader.metadata[0].name
    labels    = local.labels
  }

  spec {
    selector = local.labels

    port {
      name        = "http"
      port        = 80
      target_port = 8080
    }
  }
}
