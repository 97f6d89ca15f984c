resource "kubernetes_service" "echo_page" {
  metadata {
    name      = "echo-page"
    namespace = kubernetes_namespace.echo_page.metadata[0].name
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
