resource "kubernetes_service" "shortener" {
  metadata {
    name      = "shortener"
    namespace = kubernetes_namespace.shortener.metadata[0].name
    labels    = local.labels
    annotations = {
      "prometheus.io/scrape" = "true"
      "prometheus.io/port"   = "8080"
      "prometheus.io/path"   = "/metrics"
    }
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
