variable "tls_secret_name" {
  type      = string
  sensitive = true
}

locals {
  namespace = "echo-page"
  image     = "docker.io/mendhak/http-https-echo@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  labels = {
    app = "echo-page"
  }
}

resource "kubernetes_namespace" "echo_page" {
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
