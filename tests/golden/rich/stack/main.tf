variable "image_tag" {
  type        = string
  default     = "latest"
  description = "Tag of the image that a new Deployment starts with; CI moves it from then on."
}

variable "tls_secret_name" {
  type      = string
  sensitive = true
}

variable "postgresql_host" { type = string }

variable "redis_host" { type = string }

variable "mail_host" { type = string }

variable "nfs_server" { type = string }

locals {
  namespace = "city-guide"
  image     = "ghcr.io/viktorbarzin/city-guide:${var.image_tag}"
  labels = {
    app = "city-guide"
  }
}

resource "kubernetes_namespace" "city_guide" {
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
