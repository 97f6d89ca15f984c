module "ingress" {
  source                  = "../../modules/kubernetes/ingress_factory"
  namespace               = kubernetes_namespace.photo_book.metadata[0].name
  name                    = "photo-book"
  port                    = 80
  tls_secret_name         = var.tls_secret_name
  dns_type                = "internal"
  external_monitor        = false
  skip_default_rate_limit = true
  extra_middlewares       = ["traefik-home-lans-only@kubernetescrd", "traefik-photo-book-rate-limit@kubernetescrd"]
  auth                    = "required"
  allowed_groups          = ["Family", "Home Server Admins"]

  sablier = {
    group        = "photo-book"
    strategy     = "dynamic"
    display_name = "Photo Book"
  }

  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "Photo Book"
    "gethomepage.dev/description"  = "Shows the family's albums"
    "gethomepage.dev/pod-selector" = ""
    "gethomepage.dev/widget.type"  = "photobook"
    "gethomepage.dev/widget.url"   = "http://photo-book.photo-book.svc.cluster.local"
    "gethomepage.dev/widget.key"   = try(data.kubernetes_secret.homepage.data["homepage-key"], "")
  }
}

module "ingress_uploads" {
  source                  = "../../modules/kubernetes/ingress_factory"
  namespace               = kubernetes_namespace.photo_book.metadata[0].name
  name                    = "photo-book-uploads"
  host                    = "photo-book"
  service_name            = kubernetes_service.photo_book.metadata[0].name
  ingress_path            = ["/upload"]
  port                    = 3001
  tls_secret_name         = var.tls_secret_name
  external_monitor        = false
  skip_default_rate_limit = true
  extra_middlewares       = ["traefik-home-lans-only@kubernetescrd", "traefik-photo-book-rate-limit@kubernetescrd", "traefik-strip-auth-headers@kubernetescrd"]
  # auth = "none": each call has a token
  auth             = "none"
  homepage_enabled = false

  sablier = {
    group        = "photo-book"
    strategy     = "blocking"
    display_name = "Photo Book"
  }
}

module "ingress_lan" {
  source                  = "../../modules/kubernetes/ingress_factory"
  namespace               = kubernetes_namespace.photo_book.metadata[0].name
  name                    = "photo-book-lan"
  host                    = "photos"
  service_name            = kubernetes_service.photo_book.metadata[0].name
  port                    = 80
  tls_secret_name         = var.tls_secret_name
  root_domain             = "viktorbarzin.lan"
  allow_local_access_only = true
  ssl_redirect            = false
  skip_default_rate_limit = true
  extra_middlewares       = ["traefik-photo-book-rate-limit@kubernetescrd"]
  auth                    = "required"
  allowed_groups          = ["Family", "Home Server Admins"]
  homepage_enabled        = false

  sablier = {
    group        = "photo-book"
    strategy     = "dynamic"
    display_name = "Photo Book"
  }
}
