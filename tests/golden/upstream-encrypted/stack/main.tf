variable "tls_secret_name" {
  type      = string
  sensitive = true
}

variable "nfs_server" { type = string }

locals {
  namespace = "reader"
  image     = "ghcr.io/example/reader:1.4.2"
  labels = {
    app = "reader"
  }
}

resource "kubernetes_namespace" "reader" {
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
