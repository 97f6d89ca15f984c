module "ingress" {
  source                  = "../../modules/kubernetes/ingress_factory"
  namespace               = kubernetes_namespace.boiler.metadata[0].name
  name                    = "boiler"
  host                    = "boiler-room"
  port                    = 80
  tls_secret_name         = var.tls_secret_name
  root_domain             = "viktorbarzin.lan"
  allow_local_access_only = true
  ssl_redirect            = false
  auth                    = "required"
  allowed_groups          = ["Home Server Admins"]
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Boiler"
    "gethomepage.dev/description"  = "Keeps the house warm"
    "gethomepage.dev/pod-selector" = ""
  }
}
