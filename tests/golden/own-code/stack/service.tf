resource "kubernetes_service" "legacy_api" {
  metadata {
    name      = "legacy-api"
    namespace = kubernetes_namespace.legacy_api.metadata[0].name
    labels    = local.labels
    annotations = {
      "prometheus.io/scrape" = "true"
      "prometheus.io/port"   = "9100"
      "prometheus.io/path"   = "/internal/metrics"
    }
  }

  spec {
    selector = local.labels

    port {
      name        = "http"
      port        = 3000
      target_port = 3000
    }

    port {
      name        = "port-3001"
      port        = 3001
      target_port = 3001
    }
  }
}
