module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.shop.metadata[0].name
  name            = "shop"
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"
  auth            = "required"
  allowed_groups  = ["Home Server Admins"]
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Shop"
    "gethomepage.dev/description"  = "A shop with a worker and an importer"
    "gethomepage.dev/pod-selector" = ""
  }
}
