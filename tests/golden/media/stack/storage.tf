module "nfs_originals" {
  source     = "../../modules/kubernetes/nfs_volume"
  name       = "photo-shelf-originals"
  namespace  = kubernetes_namespace.photo_shelf.metadata[0].name
  nfs_server = var.nfs_server
  nfs_path   = "/srv/nfs/photo-shelf/originals"
}

resource "kubernetes_persistent_volume_claim" "state_encrypted" {
  wait_until_bound = false

  metadata {
    name      = "photo-shelf-state-encrypted"
    namespace = kubernetes_namespace.photo_shelf.metadata[0].name
    annotations = {
      "resize.topolvm.io/threshold"     = "10%"
      "resize.topolvm.io/increase"      = "100%"
      "resize.topolvm.io/storage_limit" = "40Gi"
    }
  }

  spec {
    access_modes       = ["ReadWriteOnce"]
    storage_class_name = "proxmox-lvm-encrypted"
    resources {
      requests = {
        storage = "5Gi"
      }
    }
  }

  lifecycle {
    ignore_changes = [spec[0].resources[0].requests]
  }
}

resource "kubernetes_persistent_volume_claim" "cache_proxmox" {
  wait_until_bound = false

  metadata {
    name      = "photo-shelf-cache-proxmox"
    namespace = kubernetes_namespace.photo_shelf.metadata[0].name
    annotations = {
      "resize.topolvm.io/threshold"     = "10%"
      "resize.topolvm.io/increase"      = "100%"
      "resize.topolvm.io/storage_limit" = "5Gi"
    }
  }

  spec {
    access_modes       = ["ReadWriteOnce"]
    storage_class_name = "proxmox-lvm"
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

resource "kubernetes_config_map" "settings" {
  metadata {
    name      = "photo-shelf-settings"
    namespace = kubernetes_namespace.photo_shelf.metadata[0].name
    annotations = {
      "reloader.stakater.com/match" = "true"
    }
  }

  data = {
    for file in fileset("${path.module}/files/settings", "*") :
    file => file("${path.module}/files/settings/${file}")
  }
}
