variable "tls_secret_name" {
  type      = string
  sensitive = true
}

variable "redis_host" { type = string }

variable "nfs_server" { type = string }

locals {
  namespace = "photo-shelf"
  image     = "docker.io/example/photo-shelf:2.11.0"
  labels = {
    app = "photo-shelf"
  }
}

resource "kubernetes_namespace" "photo_shelf" {
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
