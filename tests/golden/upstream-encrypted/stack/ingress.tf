module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.reader.metadata[0].name
  name            = "reader"
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"
  auth            = "required"
  allowed_groups  = ["Home Server Admins"]
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Reader"
    "gethomepage.dev/description"  = "Reads feeds"
    "gethomepage.dev/pod-selector" = ""
  }
}
