# Vault: engines and roles. Applied by hand, before everything that reads secrets.

data "vault_kv_secret_v2" "vault" {
  mount = "secret"
  name  = "vault"
}

# =============================================================================
# Database engine: rotated passwords
# =============================================================================

resource "vault_mount" "database" {
  path = "database"
  type = "database"
}

resource "vault_database_secret_backend_connection" "mysql" {
  backend = vault_mount.database.path
  name    = "mysql"
  allowed_roles = [
    "mysql-gallery", "mysql-wiki",
    "mysql-shortener"
  ]

  mysql {
    connection_url = "{{username}}:{{password}}@tcp(mysql.dbaas.svc.cluster.local:3306)/"
    username       = "root"
    password       = data.vault_kv_secret_v2.vault.data["dbaas_root_password"]
  }
}

resource "vault_database_secret_backend_connection" "postgresql" {
  backend = vault_mount.database.path
  name    = "postgresql"
  allowed_roles = [
    "pg-ledger",
    "pg-terraform-state", "pg-meal-planner",
    "pg-photo-frame",
  ]

  postgresql {
    connection_url = "postgresql://{{username}}:{{password}}@postgresql.dbaas.svc.cluster.local:5432/postgres?sslmode=disable"
    username       = "postgres"
    password       = data.vault_kv_secret_v2.vault.data["dbaas_postgresql_root_password"]
  }
}

# --- MySQL roles ---

resource "vault_database_secret_backend_static_role" "mysql_gallery" {
  backend         = vault_mount.database.path
  db_name         = vault_database_secret_backend_connection.mysql.name
  name            = "mysql-gallery"
  username        = "gallery"
  rotation_period = 604800
}

resource "vault_database_secret_backend_static_role" "mysql_wiki" {
  backend         = vault_mount.database.path
  db_name         = vault_database_secret_backend_connection.mysql.name
  name            = "mysql-wiki"
  username        = "wiki"
  rotation_period = 604800
}

resource "vault_database_secret_backend_static_role" "mysql_shortener" {
  backend         = vault_mount.database.path
  db_name         = vault_database_secret_backend_connection.mysql.name
  name            = "mysql-shortener"
  username        = "shortener"
  rotation_period = 604800
}

# --- PostgreSQL roles ---

resource "vault_database_secret_backend_static_role" "pg_ledger" {
  backend         = vault_mount.database.path
  db_name         = vault_database_secret_backend_connection.postgresql.name
  name            = "pg-ledger"
  username        = "ledger"
  rotation_period = 604800
}

resource "vault_database_secret_backend_static_role" "pg_terraform_state" {
  backend         = vault_mount.database.path
  db_name         = vault_database_secret_backend_connection.postgresql.name
  name            = "pg-terraform-state"
  username        = "terraform_state"
  rotation_period = 604800
}

resource "vault_database_secret_backend_static_role" "pg_meal_planner" {
  backend         = vault_mount.database.path
  db_name         = vault_database_secret_backend_connection.postgresql.name
  name            = "pg-meal-planner"
  username        = "meal_planner"
  rotation_period = 604800
}

# The frame shares one role between its two schemas.
resource "vault_database_secret_backend_static_role" "pg_photo_frame" {
  backend         = vault_mount.database.path
  db_name         = vault_database_secret_backend_connection.postgresql.name
  name            = "pg-photo-frame"
  username        = "photo_frame"
  rotation_period = 604800
}

# =============================================================================
# Kubernetes engine: short-lived cluster credentials
# =============================================================================

resource "vault_kubernetes_secret_backend" "k8s" {
  path            = "kubernetes"
  kubernetes_host = "https://kubernetes.default.svc"
}

resource "vault_kubernetes_secret_backend_role" "dashboard_admin" {
  backend                       = vault_kubernetes_secret_backend.k8s.path
  name                          = "dashboard-admin"
  allowed_kubernetes_namespaces = ["kubernetes-dashboard"]
  service_account_name          = "dashboard"
}
