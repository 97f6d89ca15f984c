resource "kubernetes_service" "photo_shelf" {
  metadata {
    name      = "photo-shelf"
    namespace = kubernetes_namespace.photo_shelf.metadata[0].name
    labels    = local.labels
  }

  spec {
    selector = local.labels

    port {
      name        = "http"
      port        = 80
      target_port = 2342
    }
  }
}
