module "ingress" {
  source                  = "../../modules/kubernetes/ingress_factory"
  namespace               = kubernetes_namespace.photo_shelf.metadata[0].name
  name                    = "photo-shelf"
  port                    = 80
  tls_secret_name         = var.tls_secret_name
  dns_type                = "non-proxied"
  max_body_size           = "5g"
  skip_default_rate_limit = true
  extra_middlewares       = ["traefik-photo-shelf-rate-limit@kubernetescrd"]
  # auth = "app": its own accounts, and sharing links
  auth = "app"
  extra_annotations = {
    "gethomepage.dev/enabled"         = "true"
    "gethomepage.dev/name"            = "Photo Shelf"
    "gethomepage.dev/description"     = "Keeps the family's pictures"
    "gethomepage.dev/pod-selector"    = ""
    "gethomepage.dev/icon"            = "photoprism.png"
    "gethomepage.dev/group"           = "Media & Entertainment"
    "gethomepage.dev/widget.type"     = "photoprism"
    "gethomepage.dev/widget.url"      = "http://photo-shelf.photo-shelf.svc.cluster.local"
    "gethomepage.dev/widget.username" = try(data.kubernetes_secret.homepage.data["homepage_user"], "")
    "gethomepage.dev/widget.password" = try(data.kubernetes_secret.homepage.data["homepage_password"], "")
  }
}

module "ingress_lan" {
  source                  = "../../modules/kubernetes/ingress_factory"
  namespace               = kubernetes_namespace.photo_shelf.metadata[0].name
  name                    = "photo-shelf-lan"
  host                    = "photos"
  service_name            = kubernetes_service.photo_shelf.metadata[0].name
  port                    = 80
  tls_secret_name         = var.tls_secret_name
  root_domain             = "viktorbarzin.lan"
  allow_local_access_only = true
  ssl_redirect            = false
  max_body_size           = "5g"
  skip_default_rate_limit = true
  extra_middlewares       = ["traefik-photo-shelf-rate-limit@kubernetescrd"]
  # auth = "none": television sets at home can't log in
  auth             = "none"
  homepage_enabled = false
}
