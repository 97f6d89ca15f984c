variable "image_tag" {
  type        = string
  default     = "latest"
  description = "Tag of the image that a new Deployment starts with; CI moves it from then on."
}

variable "tls_secret_name" {
  type      = string
  sensitive = true
}

locals {
  namespace = "shop"
  image     = "ghcr.io/viktorbarzin/shop:${var.image_tag}"
  labels = {
    app = "shop"
  }
}

resource "kubernetes_namespace" "shop" {
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
