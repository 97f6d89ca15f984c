# One ingress of a service: host, authentication, DNS and monitoring.

terraform {
  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 4"
    }
    kubernetes = {
      source = "hashicorp/kubernetes"
    }
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "~> 1.14"
    }
  }
}

variable "name" { type = string }
variable "service_name" {
  type    = string
  default = null
}
variable "host" {
  type    = string
  default = null
}
variable "namespace" { type = string }
variable "external_name" {
  type    = string
  default = null
}
variable "port" {
  default = "80"
}
variable "tls_secret_name" {}
variable "backend_protocol" {
  default = "HTTP"
}
variable "auth" {
  type        = string
  default     = "required"
  description = "Who guards the service: required (single sign-on), app (its own login), public (anonymous sign-on) or none"
  validation {
    condition     = contains(["required", "app", "public", "none"], var.auth)
    error_message = "auth is required, app, public or none."
  }
}
variable "ingress_path" {
  type    = list(string)
  default = ["/"]
}
variable "max_body_size" {
  type        = string
  default     = null
  description = "Largest request body, such as 50m; null sets no limit"
}
variable "extra_annotations" {
  default = {}
}
variable "ssl_redirect" {
  type    = bool
  default = true
}
variable "allow_local_access_only" {
  type    = bool
  default = false
}
variable "root_domain" {
  type    = string
  default = "viktorbarzin.me"
}
variable "custom_content_security_policy" {
  type    = string
  default = null
}
variable "full_host" {
  type    = string
  default = null
}
variable "extra_middlewares" {
  type    = list(string)
  default = []
}
variable "sablier" {
  type = object({
    group             = optional(string)
    session_duration  = optional(string, "3h")
    strategy          = optional(string, "dynamic")
    display_name      = optional(string)
    theme             = optional(string, "ghost")
    refresh_frequency = optional(string, "5s")
    blocking_timeout  = optional(string, "5m")
  })
  default     = null
  description = "Puts the group to sleep while nobody asks; the Deployment has the labels that wake it"
  validation {
    condition     = var.sablier == null || contains(["dynamic", "blocking"], coalesce(var.sablier.strategy, "dynamic"))
    error_message = "sablier.strategy is dynamic or blocking."
  }
}
variable "skip_default_rate_limit" {
  type    = bool
  default = false
}
variable "anti_ai_scraping" {
  type    = bool
  default = null
}
variable "allowed_groups" {
  type        = list(string)
  default     = ["Home Server Admins"]
  description = "Groups that the single sign-on lets through where auth is required; nobody else gets in"
}
variable "dns_type" {
  type        = string
  default     = "none"
  description = "Public DNS record: proxied (the wildcard's), non-proxied, internal (leads home, and is no gate) or none"
  validation {
    condition     = contains(["proxied", "non-proxied", "internal", "none"], var.dns_type)
    error_message = "dns_type is proxied, non-proxied, internal or none."
  }
}
variable "external_monitor" {
  type        = bool
  default     = null
  description = "Monitor from outside; null follows dns_type"
}
variable "external_monitor_name" {
  type        = string
  default     = null
  description = "Label of that monitor"
}
variable "cloudflare_zone_id" {
  type    = string
  default = "00000000000000000000000000000000"
}
variable "cloudflare_tunnel_id" {
  type    = string
  default = "00000000-0000-0000-0000-000000000000"
}
variable "public_ip" {
  type    = string
  default = "192.0.2.76"
}
variable "public_ipv6" {
  type    = string
  default = "2001:db8::2"
}
variable "internal_lb_ip" {
  type    = string
  default = "192.0.2.203"
}
variable "homepage_group" {
  type    = string
  default = null
}
variable "homepage_enabled" {
  type    = bool
  default = true
}

locals {
  host     = coalesce(var.full_host, "${coalesce(var.host, var.name)}.${var.root_domain}")
  anti_ai  = coalesce(var.anti_ai_scraping, contains(["app", "none"], var.auth))
  monitor  = coalesce(var.external_monitor, contains(["proxied", "non-proxied"], var.dns_type))
  sign_on  = { required = "traefik-authentik-forward-auth@kubernetescrd", public = "traefik-authentik-forward-auth-public@kubernetescrd" }
  dns_name = local.host == var.root_domain ? "@" : trimsuffix(local.host, ".${var.root_domain}")

  middlewares = compact(concat([
    var.skip_default_rate_limit ? null : "traefik-rate-limit@kubernetescrd",
    local.anti_ai ? "traefik-ai-bot-block@kubernetescrd" : null,
    lookup(local.sign_on, var.auth, null),
    var.allow_local_access_only ? "traefik-local-only@kubernetescrd" : null,
    var.sablier == null ? null : "${var.namespace}-sablier-${var.name}@kubernetescrd",
  ], var.extra_middlewares))

  homepage = var.homepage_enabled ? {
    "gethomepage.dev/enabled" = "true"
    "gethomepage.dev/name"    = replace(var.name, "-", " ")
    "gethomepage.dev/group"   = coalesce(var.homepage_group, "Other")
    "gethomepage.dev/href"    = "https://${local.host}"
  } : {}
}

resource "kubernetes_ingress_v1" "proxied-ingress" {
  metadata {
    name      = var.name
    namespace = var.namespace
    annotations = merge(
      {
        "traefik.ingress.kubernetes.io/router.entrypoints" = "websecure"
        "traefik.ingress.kubernetes.io/router.middlewares" = join(",", local.middlewares)
        "uptime.viktorbarzin.me/external-monitor"          = tostring(local.monitor)
      },
      var.auth == "required" ? { "authentik.viktorbarzin.me/allowed-groups" = join(",", var.allowed_groups) } : {},
      local.homepage,
      var.extra_annotations,
    )
  }
  spec {
    ingress_class_name = "traefik"
    tls {
      hosts       = [local.host]
      secret_name = var.tls_secret_name
    }
    rule {
      host = local.host
      http {
        dynamic "path" {
          for_each = var.ingress_path
          content {
            path = path.value
            backend {
              service {
                name = coalesce(var.service_name, var.name)
                port {
                  number = var.port
                }
              }
            }
          }
        }
      }
    }
  }
}

resource "kubectl_manifest" "sablier" {
  count = var.sablier == null ? 0 : 1

  yaml_body = yamlencode({
    apiVersion = "traefik.io/v1alpha1"
    kind       = "Middleware"
    metadata = {
      name      = "sablier-${var.name}"
      namespace = var.namespace
    }
    spec = {
      plugin = {
        sablier = {
          group           = coalesce(var.sablier.group, var.name)
          sessionDuration = var.sablier.session_duration
          strategy        = var.sablier.strategy
        }
      }
    }
  })
}

# The wildcard answers for every name below the domain, and for none of its own.
resource "cloudflare_record" "proxied" {
  count   = var.dns_type == "proxied" && local.dns_name == "@" ? 1 : 0
  zone_id = var.cloudflare_zone_id
  name    = local.dns_name
  type    = "CNAME"
  content = "${var.cloudflare_tunnel_id}.cfargotunnel.com"
  proxied = true
}

resource "cloudflare_record" "non_proxied_a" {
  count   = var.dns_type == "non-proxied" ? 1 : 0
  zone_id = var.cloudflare_zone_id
  name    = local.dns_name
  type    = "A"
  content = var.public_ip
}

resource "cloudflare_record" "internal_a" {
  count   = var.dns_type == "internal" ? 1 : 0
  zone_id = var.cloudflare_zone_id
  name    = local.dns_name
  type    = "A"
  content = var.internal_lb_ip
}
