module "ingress" {
  source          = "../../library/web"
  namespace       = kubernetes_namespace.tickets.metadata[0].name
  name            = "tickets"
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"
  auth            = "required"
  allowed_groups  = ["Operators"]
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Tickets"
    "gethomepage.dev/description"  = "Counts tickets"
    "gethomepage.dev/pod-selector" = ""
  }
}
