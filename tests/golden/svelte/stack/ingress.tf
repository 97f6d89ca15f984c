module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.menu.metadata[0].name
  name            = "menu"
  ingress_path    = ["/", "/print"]
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"
  max_body_size   = "1m"
  auth            = "public"
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Menu"
    "gethomepage.dev/description"  = "What is for dinner"
    "gethomepage.dev/pod-selector" = ""
    "gethomepage.dev/icon"         = "mdi-food"
    "gethomepage.dev/group"        = "Productivity"
  }
}
