resource "kubernetes_persistent_volume_claim" "data_encrypted" {
  wait_until_bound = false

  metadata {
    name      = "photo-book-data-encrypted"
    namespace = kubernetes_namespace.photo_book.metadata[0].name
    annotations = {
      "resize.topolvm.io/threshold"     = "10%"
      "resize.topolvm.io/increase"      = "100%"
      "resize.topolvm.io/storage_limit" = "5Gi"
    }
  }

  spec {
    access_modes       = ["ReadWriteOnce"]
    storage_class_name = "proxmox-lvm-encrypted"
    resources {
      requests = {
        storage = "1Gi"
      }
    }
  }

  lifecycle {
    ignore_changes = [spec[0].resources[0].requests]
  }
}
