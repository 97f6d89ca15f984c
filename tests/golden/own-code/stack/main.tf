variable "image_tag" {
  type        = string
  default     = "latest"
  description = "Tag of the image that runs first."
}

variable "tls_secret_name" {
  type      = string
  sensitive = true
}

variable "mysql_host" { type = string }

locals {
  namespace = "legacy-api"
  image     = "ghcr.io/viktorbarzin/legacy-api:${var.image_tag}"
  labels = {
    app = "legacy-api"
  }
}

resource "kubernetes_namespace" "legacy_api" {
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
