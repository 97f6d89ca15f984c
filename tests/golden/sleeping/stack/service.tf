resource "kubernetes_service" "photo_book" {
  metadata {
    name      = "photo-book"
    namespace = kubernetes_namespace.photo_book.metadata[0].name
    labels    = local.labels
    annotations = {
      "prometheus.io/scrape" = "true"
      "prometheus.io/port"   = "9100"
      "prometheus.io/path"   = "/metrics"
    }
  }

  spec {
    selector = local.labels

    port {
      name        = "http"
      port        = 80
      target_port = 3000
    }

    port {
      name        = "port-3001"
      port        = 3001
      target_port = 3001
    }
  }
}
