module "anubis" {
  source           = "../../modules/kubernetes/anubis_instance"
  namespace        = kubernetes_namespace.field_notes.metadata[0].name
  name             = "field-notes"
  target_url       = "http://${kubernetes_service.field_notes.metadata[0].name}.${local.namespace}.svc.cluster.local"
  cookie_domain    = "viktorbarzin.me"
  shared_store_url = "redis://${var.redis_host}:6379/0"
}

module "ingress" {
  source                  = "../../modules/kubernetes/ingress_factory"
  namespace               = kubernetes_namespace.field_notes.metadata[0].name
  name                    = "field-notes"
  service_name            = module.anubis.service_name
  port                    = module.anubis.service_port
  tls_secret_name         = var.tls_secret_name
  dns_type                = "proxied"
  anti_ai_scraping        = false
  skip_default_rate_limit = true
  extra_middlewares       = ["traefik-field-notes-rate-limit@kubernetescrd", "traefik-x402@kubernetescrd"]
  # auth = "none": published on purpose, nothing to protect
  auth = "none"
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Field Notes"
    "gethomepage.dev/description"  = "Notes from the field"
    "gethomepage.dev/pod-selector" = ""
  }
}
