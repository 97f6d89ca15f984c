module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.weather.metadata[0].name
  name            = "weather"
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "non-proxied"
  auth            = "public"
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Weather"
    "gethomepage.dev/description"  = "Tells the weather of tomorrow"
    "gethomepage.dev/pod-selector" = ""
    "gethomepage.dev/icon"         = "mdi-weather-sunny"
    "gethomepage.dev/group"        = "Information"
  }
}
