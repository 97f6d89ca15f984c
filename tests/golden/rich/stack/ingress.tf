module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.city_guide.metadata[0].name
  name            = "city-guide"
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"

  extra_middlewares = ["traefik-strip-auth-headers@kubernetescrd"]
  # auth = "app": its own login, checked by hand
  auth = "app"
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "City Guide"
    "gethomepage.dev/description"  = "Guides through cities"
    "gethomepage.dev/pod-selector" = ""
  }
}

module "ingress_hooks" {
  source           = "../../modules/kubernetes/ingress_factory"
  namespace        = kubernetes_namespace.city_guide.metadata[0].name
  name             = "city-guide-hooks"
  host             = "city-guide"
  service_name     = kubernetes_service.city_guide.metadata[0].name
  ingress_path     = ["/hooks", "/callbacks"]
  port             = 80
  tls_secret_name  = var.tls_secret_name
  anti_ai_scraping = false

  extra_middlewares = ["traefik-strip-auth-headers@kubernetescrd"]
  # auth = "none": every call is signed
  auth             = "none"
  homepage_enabled = false
}

module "ingress_staff" {
  source           = "../../modules/kubernetes/ingress_factory"
  namespace        = kubernetes_namespace.city_guide.metadata[0].name
  name             = "city-guide-staff"
  host             = "city-guide"
  service_name     = kubernetes_service.city_guide.metadata[0].name
  ingress_path     = ["/staff"]
  port             = 80
  tls_secret_name  = var.tls_secret_name
  auth             = "required"
  allowed_groups   = ["Home Server Admins"]
  homepage_enabled = false
}
