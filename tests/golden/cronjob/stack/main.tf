variable "image_tag" {
  type        = string
  default     = "latest"
  description = "Tag of the image that runs."
}

variable "postgresql_host" { type = string }

locals {
  namespace = "rate-watch"
  image     = "ghcr.io/viktorbarzin/rate-watch:${var.image_tag}"
  labels = {
    app = "rate-watch"
  }
}

resource "kubernetes_namespace" "rate_watch" {
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
