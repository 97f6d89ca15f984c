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

locals {
  namespace = "menu"
  image     = "ghcr.io/viktorbarzin/menu:${var.image_tag}"
  labels = {
    app = "menu"
  }
}

resource "kubernetes_namespace" "menu" {
  metadata {
    name = local.namespace
    labels = {
      tier               = local.tiers.aux
      "istio-injection"  = "disabled"
      "keel.sh/enrolled" = "true"
    }
  }

  lifecycle {
    ignore_changes = [metadata[0].labels["goldilocks.fairwinds.com/vpa-update-mode"]] # KYVERNO_LIFECYCLE_V1
  }
}
