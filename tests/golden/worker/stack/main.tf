variable "image_tag" {
  type        = string
  default     = "latest"
  description = "Tag of the image that a new Deployment starts with; CI moves it from then on."
}

variable "mysql_host" { type = string }

variable "redis_host" { type = string }

variable "mail_host" { type = string }

locals {
  namespace = "mail-sorter"
  image     = "ghcr.io/viktorbarzin/mail-sorter:${var.image_tag}"
  labels = {
    app = "mail-sorter"
  }
}

resource "kubernetes_namespace" "mail_sorter" {
  metadata {
    name = local.namespace
    labels = {
      tier               = local.tiers.cluster
      "istio-injection"  = "disabled"
      "keel.sh/enrolled" = "true"
    }
  }

  lifecycle {
    ignore_changes = [metadata[0].labels["goldilocks.fairwinds.com/vpa-update-mode"]] # KYVERNO_LIFECYCLE_V1
  }
}
