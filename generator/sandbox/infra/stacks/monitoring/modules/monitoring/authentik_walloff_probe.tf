# Watches that public paths stay public: a probe fails when one starts to redirect to single sign-on.
#
# A new public carve-out gets one line in the map: a URL that answers GET, with a comment above that says what it is.

locals {
  # The key names the service in the alert.
  authentik_walloff_targets = {
    # echo's root (auth="public" does not count, this one is its health path).
    "echo-health" = "https://echo.viktorbarzin.me/healthz"
    # The shortener's API (auth="none"): called by scripts with a key.
    # It answers 401 without one, which is fine.
    "shortener-api" = "https://shortener.viktorbarzin.me/api/v1/links"
    # gallery's share links (auth="none").
    "gallery-share" = "https://gallery.viktorbarzin.me/share"
    # NOTE: the chat bot's webhook (auth="none") is left out on purpose, as it has
    # no name in public DNS and cannot be asked from here.
  }
}

resource "kubernetes_config_map" "blackbox_exporter_config" {
  metadata {
    name      = "blackbox-exporter-config"
    namespace = "monitoring"
  }
  data = {
    "blackbox.yml" = yamlencode({
      modules = {
        http_no_authentik_redirect = {
          prober = "http"
          http = {
            no_follow_redirects    = true
            valid_status_codes     = [200, 204, 301, 302, 400, 401, 403, 404, 405]
            fail_if_header_matches = [{ header = "Location", regexp = "authentik", allow_missing = true }]
          }
        }
      }
    })
  }
}

resource "kubernetes_config_map" "walloff_targets" {
  metadata {
    name      = "walloff-targets"
    namespace = "monitoring"
  }
  data = {
    "targets.json" = jsonencode([
      for service, url in local.authentik_walloff_targets : { targets = [url], labels = { service = service } }
    ])
  }
}
