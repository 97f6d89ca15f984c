# A proof-of-work gate in front of one public site.

terraform {
  required_providers {
    kubernetes = {
      source = "hashicorp/kubernetes"
    }
  }
}

variable "name" {
  type        = string
  description = "Site; everything here is called anubis-<name>"
}

variable "namespace" {
  type        = string
  description = "Namespace of the site"
}

variable "target_url" {
  type        = string
  description = "Where requests go once the work is done"
}

variable "cookie_domain" {
  type        = string
  default     = "viktorbarzin.me"
  description = "Domain of the cookie, shared by all sites"
}

variable "difficulty" {
  type        = number
  default     = 2
  description = "Leading zeros to find"
}

variable "cookie_expiration_hours" {
  type        = number
  default     = 720
  description = "How long the work counts"
}

variable "image_tag" {
  type        = string
  default     = "v1.25.0"
  description = "Release of Anubis"
}

variable "replicas" {
  type        = number
  default     = null
  description = "Pods; null is one, or two with a shared store"

  validation {
    condition     = var.replicas == null ? true : contains([1, 2], var.replicas)
    error_message = "replicas is 1, 2 or null."
  }
}

variable "shared_store_url" {
  type        = string
  default     = null
  description = "Redis database of this instance alone: redis://host:port/index"

  validation {
    condition     = var.shared_store_url == null || can(regex("^redis://[a-zA-Z0-9_.-]+:[0-9]+/[0-9]+$", var.shared_store_url))
    error_message = "shared_store_url needs the form redis://host:port/index."
  }
}

variable "memory" {
  type        = string
  default     = "128Mi"
  description = "Memory request and limit"
}

variable "policy_rules_yaml" {
  type        = string
  default     = null
  description = "Rules instead of the built-in ones: the items of the list, without its key"
}

variable "trusted_local_cidrs" {
  type        = list(string)
  default     = ["10.0.0.0/8", "192.168.0.0/16"]
  description = "Networks that are asked for no work"
}

variable "cpu_request" {
  type        = string
  default     = "20m"
  description = "CPU request"
}

locals {
  full_name = "anubis-${var.name}"
  replicas  = coalesce(var.replicas, var.shared_store_url == null ? 1 : 2)
  rules     = coalesce(var.policy_rules_yaml, "  - name: everybody\n    path_regex: .*\n    action: CHALLENGE\n")
  trusted   = "  - name: at-home\n    action: ALLOW\n    remote_addresses: ${jsonencode(var.trusted_local_cidrs)}\n"
  policy    = "bots:\n${local.trusted}${local.rules}"
}

resource "kubernetes_deployment" "anubis" {
  metadata {
    name      = local.full_name
    namespace = var.namespace
    labels    = { app = local.full_name }
  }
  spec {
    replicas = local.replicas
    selector {
      match_labels = { app = local.full_name }
    }
    template {
      metadata {
        labels      = { app = local.full_name }
        annotations = { "checksum/policy" = sha256(local.policy) }
      }
      spec {
        container {
          name  = "anubis"
          image = "ghcr.io/techarohq/anubis:${var.image_tag}"
          env {
            name  = "TARGET"
            value = var.target_url
          }
          env {
            name  = "COOKIE_DOMAIN"
            value = var.cookie_domain
          }
          env {
            name  = "DIFFICULTY"
            value = tostring(var.difficulty)
          }
          env {
            name  = "COOKIE_EXPIRATION_TIME"
            value = "${var.cookie_expiration_hours}h"
          }
          resources {
            requests = { cpu = var.cpu_request, memory = var.memory }
            limits   = { memory = var.memory }
          }
        }
      }
    }
  }
  lifecycle {
    ignore_changes = [spec[0].template[0].spec[0].dns_config] # KYVERNO_LIFECYCLE_V1
  }
}

resource "kubernetes_service" "anubis" {
  metadata {
    name      = local.full_name
    namespace = var.namespace
  }
  spec {
    selector = { app = local.full_name }
    port {
      port        = 8080
      target_port = 8923
    }
  }
}

output "service_name" {
  value       = kubernetes_service.anubis.metadata[0].name
  description = "Service to point the ingress to"
}

output "service_port" {
  value       = 8080
  description = "Port of that service"
}
