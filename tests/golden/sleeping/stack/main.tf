variable "tls_secret_name" {
  type      = string
  sensitive = true
}

variable "postgresql_host" { type = string }

variable "redis_host" { type = string }

variable "nfs_server" { type = string }

locals {
  namespace = "photo-book"
  image     = "ghcr.io/albums/photo-book:2.4.1"
  labels = {
    app = "photo-book"
  }
}

resource "kubernetes_namespace" "photo_book" {
  metadata {
    name = local.namespace
    labels = {
      tier               = local.tiers.edge
      "istio-injection"  = "disabled"
      "keel.sh/enrolled" = "true"
    }
  }

  lifecycle {
    ignore_changes = [metadata[0].labels["goldilocks.fairwinds.com/vpa-update-mode"]] # KYVERNO_LIFECYCLE_V1
  }
}
