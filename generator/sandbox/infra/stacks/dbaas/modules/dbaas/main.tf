# Databases for all: one PostgreSQL cluster, one MySQL, and what each service needs in them.

variable "tls_secret_name" {}
variable "tier" { type = string }
variable "nfs_server" { type = string }
variable "kube_config_path" {
  type    = string
  default = "~/.kube/config"
}

resource "kubernetes_namespace" "dbaas" {
  metadata {
    name = "dbaas"
    labels = {
      tier = var.tier
    }
  }
}

locals {
  mysql_static_users = {
    mail = {
      database = "mail"
    }
  }
}

resource "kubernetes_stateful_set_v1" "mysql_standalone" {
  metadata {
    name      = "mysql-standalone"
    namespace = kubernetes_namespace.dbaas.metadata[0].name
  }
  spec {
    service_name = "mysql"
    selector {
      match_labels = { app = "mysql" }
    }
    template {
      metadata {
        labels = { app = "mysql" }
      }
      spec {
        container {
          name  = "mysql"
          image = "docker.io/library/mysql:8.4"
        }
      }
    }
  }
}

# Users whose passwords nobody rotates.
resource "null_resource" "mysql_static_user" {
  for_each = local.mysql_static_users

  depends_on = [kubernetes_stateful_set_v1.mysql_standalone]

  triggers = {
    username = each.key
    database = each.value.database
  }
}

resource "null_resource" "pg_cluster" {
  triggers = {
    instances = 2
    image     = "ghcr.io/cloudnative-pg/postgresql:16"
  }
}

# State of all the stacks of tier 1.
resource "null_resource" "pg_terraform_state_db" {
  depends_on = [null_resource.pg_cluster]

  triggers = {
    db_name  = "terraform_state"
    username = "terraform_state"
  }

  provisioner "local-exec" {
    command = <<-EOT
      PRIMARY=$(kubectl --kubeconfig ${var.kube_config_path} get cluster -n dbaas pg-cluster -o jsonpath='{.status.currentPrimary}')
      kubectl --kubeconfig ${var.kube_config_path} exec -n dbaas $PRIMARY -c postgres -- \
        bash -c '
          psql -U postgres -tc "SELECT 1 FROM pg_roles WHERE rolname = '"'"'terraform_state'"'"'" | grep -q 1 || \
            psql -U postgres -c "CREATE ROLE terraform_state WITH LOGIN PASSWORD '"'"'replaced-by-the-first-rotation'"'"'"
          psql -U postgres -tc "SELECT 1 FROM pg_database WHERE datname = '"'"'terraform_state'"'"'" | grep -q 1 || \
            psql -U postgres -c "CREATE DATABASE terraform_state OWNER terraform_state"
        '
    EOT
  }
}

# Bookkeeping. Vault rotates the password (role pg-ledger).
resource "null_resource" "pg_ledger_db" {
  depends_on = [null_resource.pg_cluster]

  triggers = {
    db_name  = "ledger"
    username = "ledger"
  }

  provisioner "local-exec" {
    command = <<-EOT
      PRIMARY=$(kubectl --kubeconfig ${var.kube_config_path} get cluster -n dbaas pg-cluster -o jsonpath='{.status.currentPrimary}')
      kubectl --kubeconfig ${var.kube_config_path} exec -n dbaas $PRIMARY -c postgres -- \
        bash -c '
          psql -U postgres -tc "SELECT 1 FROM pg_roles WHERE rolname = '"'"'ledger'"'"'" | grep -q 1 || \
            psql -U postgres -c "CREATE ROLE ledger WITH LOGIN PASSWORD '"'"'replaced-by-the-first-rotation'"'"'"
          psql -U postgres -tc "SELECT 1 FROM pg_database WHERE datname = '"'"'ledger'"'"'" | grep -q 1 || \
            psql -U postgres -c "CREATE DATABASE ledger OWNER ledger"
        '
    EOT
  }
}

# Two schemas, one owner.
# Vault rotates the password (role pg-photo-frame).
resource "null_resource" "pg_photo_frame_db" {
  depends_on = [null_resource.pg_cluster]

  triggers = {
    db_name  = "photo_frame"
    username = "photo_frame"
  }

  provisioner "local-exec" {
    command = <<-EOT
      PRIMARY=$(kubectl --kubeconfig ${var.kube_config_path} get cluster -n dbaas pg-cluster -o jsonpath='{.status.currentPrimary}')
      kubectl --kubeconfig ${var.kube_config_path} exec -n dbaas $PRIMARY -c postgres -- \
        bash -c '
          psql -U postgres -tc "SELECT 1 FROM pg_roles WHERE rolname = '"'"'photo_frame'"'"'" | grep -q 1 || \
            psql -U postgres -c "CREATE ROLE photo_frame WITH LOGIN PASSWORD '"'"'replaced-by-the-first-rotation'"'"'"
          psql -U postgres -tc "SELECT 1 FROM pg_database WHERE datname = '"'"'photo_frame'"'"'" | grep -q 1 || \
            psql -U postgres -c "CREATE DATABASE photo_frame OWNER photo_frame"
        '
    EOT
  }
}

# Left over from the time before the cluster; kept to look things up.
# resource "kubernetes_deployment" "postgres" {
#   metadata {
#     name = "postgresql"
#   }
# }

resource "kubernetes_service" "postgresql" {
  metadata {
    name      = "postgresql"
    namespace = kubernetes_namespace.dbaas.metadata[0].name
  }
  spec {
    selector = { "cnpg.io/cluster" = "pg-cluster" }
    port {
      port        = 5432
      target_port = 5432
    }
  }
}

resource "kubernetes_cron_job_v1" "postgresql-backup" {
  metadata {
    name      = "postgresql-backup"
    namespace = kubernetes_namespace.dbaas.metadata[0].name
  }
  spec {
    schedule = "30 0 * * *"
    job_template {
      metadata {}
      spec {
        template {
          metadata {}
          spec {
            container {
              name    = "dump"
              image   = "docker.io/library/postgres:16"
              command = ["/bin/sh", "-c", "pg_dumpall -h postgresql > /backup/dump-$(date +%u).sql"]
            }
          }
        }
      }
    }
  }
}
