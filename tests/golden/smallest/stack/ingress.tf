module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.notes_app.metadata[0].name
  name            = "notes-app"
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"
  auth            = "required"
  allowed_groups  = ["Home Server Admins"]
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Notes"
    "gethomepage.dev/description"  = "Keeps notes"
    "gethomepage.dev/pod-selector" = ""
  }
}
