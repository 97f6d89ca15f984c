module "main" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.tool-box.metadata[0].name
  name            = "toolbox"
  host            = "tb"
  service_name    = kubernetes_service.web.metadata[0].name
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"
  auth            = "required"
  allowed_groups  = ["Family", "Home Server Admins"]
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Toolbox"
    "gethomepage.dev/description"  = "Small tools for text and data"
    "gethomepage.dev/pod-selector" = ""
  }
}
