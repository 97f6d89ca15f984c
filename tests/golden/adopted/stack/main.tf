variable "tls_secret_name" {
  type      = string
  sensitive = true
}

variable "nfs_server" { type = string }

locals {
  namespace = "toolbox"
  image     = "docker.io/example/toolbox:v9.55.0"
  labels = {
    run = "toolbox"
  }
}

resource "kubernetes_namespace" "tool-box" {
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
