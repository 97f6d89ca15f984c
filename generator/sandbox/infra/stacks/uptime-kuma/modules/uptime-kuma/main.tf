# Uptime Kuma, and the monitors of what is reachable inside only.

variable "tls_secret_name" {}
variable "tier" { type = string }

resource "kubernetes_namespace" "uptime-kuma" {
  metadata {
    name   = "uptime-kuma"
    labels = { tier = var.tier }
  }
}

# A job keeps Uptime Kuma in step with this list; every monitor has all twelve keys.
locals {
  internal_monitors = [
    {
      name                        = "PostgreSQL"
      type                        = "postgres"
      database_connection_string  = "postgres://kuma@postgresql.dbaas.svc.cluster.local:5432/postgres"
      database_password_vault_key = "kuma_db_password"
      hostname                    = null
      port                        = null
      url                         = null
      accepted_statuscodes        = null
      ignore_tls                  = null
      interval                    = 60
      retry_interval              = 60
      max_retries                 = 2
    },
    {
      # Asked by address: the name is looked up elsewhere.
      name                        = "Router"
      type                        = "port"
      database_connection_string  = null
      database_password_vault_key = null
      hostname                    = "192.0.2.1"
      port                        = 443
      url                         = null
      accepted_statuscodes        = null
      ignore_tls                  = null
      interval                    = 60
      retry_interval              = 30
      max_retries                 = 3
    },
    {
      name                        = "ledger"
      type                        = "http"
      database_connection_string  = null
      database_password_vault_key = null
      hostname                    = null
      port                        = null
      url                         = "http://ledger.ledger.svc.cluster.local/healthz"
      accepted_statuscodes        = ["200-299"]
      ignore_tls                  = false
      interval                    = 60
      retry_interval              = 60
      max_retries                 = 3
    },
  ]

  internal_monitor_passwords = [
    for monitor in local.internal_monitors : monitor.database_password_vault_key
    if monitor.database_password_vault_key != null
  ]
}

resource "kubernetes_config_map_v1" "internal_monitor_targets" {
  metadata {
    name      = "internal-monitor-targets"
    namespace = kubernetes_namespace.uptime-kuma.metadata[0].name
  }
  data = {
    "targets.json" = jsonencode(local.internal_monitors)
  }
}
