# Puts the wildcard certificate into a namespace.

variable "namespace" { type = string }
variable "tls_secret_name" {}
variable "tls_crt" {
  default = ""
}
variable "tls_key" {
  default = ""
}

resource "kubernetes_secret" "tls_secret" {
  type = "kubernetes.io/tls"
  metadata {
    name      = var.tls_secret_name
    namespace = var.namespace
  }
  data = {
    "tls.crt" = var.tls_crt != "" ? var.tls_crt : file("${path.root}/secrets/fullchain.pem")
    "tls.key" = var.tls_key != "" ? var.tls_key : file("${path.root}/secrets/privkey.pem")
  }
  lifecycle {
    # KYVERNO_LIFECYCLE_V1: labels of the policy that copies this secret
    ignore_changes = [metadata[0].labels]
  }
}
