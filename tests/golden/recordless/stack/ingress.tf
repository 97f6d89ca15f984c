module "ingress" {
  source            = "../../modules/kubernetes/ingress_factory"
  namespace         = kubernetes_namespace.shortener.metadata[0].name
  name              = "shortener"
  port              = 80
  tls_secret_name   = var.tls_secret_name
  dns_type          = "internal"
  external_monitor  = false
  extra_middlewares = ["traefik-home-lans-only@kubernetescrd"]
  auth              = "required"
  allowed_groups    = ["Home Server Admins"]

  sablier = {
    group        = "shortener"
    strategy     = "blocking"
    display_name = "Shortener"
  }

  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Shortener"
    "gethomepage.dev/description"  = "Makes short links"
    "gethomepage.dev/pod-selector" = ""
  }
}
