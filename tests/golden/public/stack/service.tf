resource "kubernetes_service" "weather" {
  metadata {
    name      = "weather"
    namespace = kubernetes_namespace.weather.metadata[0].name
    labels    = local.labels
    annotations = {
      "prometheus.io/scrape" = "true"
      "prometheus.io/port"   = "9000"
      "prometheus.io/path"   = "/metrics"
    }
  }

  spec {
    selector = local.labels

    port {
      name        = "http"
      port        = 80
      target_port = 9000
    }
  }
}
