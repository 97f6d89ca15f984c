module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.echo_page.metadata[0].name
  name            = "echo-page"
  host            = "echo-me"
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"
  # auth = "none": shows nothing but the visitor's own request
  auth             = "none"
  homepage_enabled = false
}
