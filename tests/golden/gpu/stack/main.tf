variable "nfs_server" { type = string }

locals {
  namespace = "transcriber"
  image     = "ghcr.io/example/transcriber@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  labels = {
    app = "transcriber"
  }
}

resource "kubernetes_namespace" "transcriber" {
  metadata {
    name = local.namespace
    labels = {
      tier              = local.tiers.gpu
      "istio-injection" = "disabled"
    }
  }

  lifecycle {
    ignore_changes = [metadata[0].labels["goldilocks.fairwinds.com/vpa-update-mode"]] # KYVERNO_LIFECYCLE_V1
  }
}
