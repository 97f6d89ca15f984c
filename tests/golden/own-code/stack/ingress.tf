module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.legacy_api.metadata[0].name
  name            = "legacy-api"
  port            = 3000
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"
  # auth = "app": API keys, checked by the service
  auth = "app"
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Legacy API"
    "gethomepage.dev/description"  = "An API that was there before"
    "gethomepage.dev/pod-selector" = ""
  }
}

module "ingress_upload" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.legacy_api.metadata[0].name
  name            = "legacy-api-upload"
  host            = "legacy-api"
  service_name    = kubernetes_service.legacy_api.metadata[0].name
  ingress_path    = ["/upload"]
  port            = 3001
  tls_secret_name = var.tls_secret_name
  max_body_size   = "5g"
  # auth = "app": signed addresses, valid for an hour
  auth             = "app"
  homepage_enabled = false
}
