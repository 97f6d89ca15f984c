# A volume on the NFS server and the claim that binds it.

variable "name" {
  type        = string
  description = "Name of the volume and of its claim"
}

variable "namespace" {
  type        = string
  description = "Where the claim lives"
}

variable "nfs_server" {
  type        = string
  description = "Address of the server"
}

variable "nfs_path" {
  type        = string
  description = "Exported directory"
}

variable "storage" {
  type        = string
  default     = "10Gi"
  description = "Size to declare; NFS does not enforce it"
}

variable "access_modes" {
  type        = list(string)
  default     = ["ReadWriteMany"]
  description = "Access modes of both"
}

resource "kubernetes_persistent_volume" "this" {
  metadata {
    name = var.name
  }
  spec {
    access_modes       = var.access_modes
    capacity           = { storage = var.storage }
    storage_class_name = "nfs-truenas"
    mount_options      = ["nfsvers=4", "soft"]
    persistent_volume_source {
      csi {
        driver            = "nfs.csi.k8s.io"
        volume_handle     = var.name
        volume_attributes = { server = var.nfs_server, share = var.nfs_path }
      }
    }
  }
}

resource "kubernetes_persistent_volume_claim" "this" {
  metadata {
    name      = var.name
    namespace = var.namespace
  }
  spec {
    access_modes       = var.access_modes
    storage_class_name = "nfs-truenas"
    volume_name        = kubernetes_persistent_volume.this.metadata[0].name
    resources {
      requests = { storage = var.storage }
    }
  }
}

output "claim_name" {
  value       = kubernetes_persistent_volume_claim.this.metadata[0].name
  description = "The claim to mount"
}
