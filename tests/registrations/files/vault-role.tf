resource "vault_database_secret_backend_connection" "mysql" {
  allowed_roles = [
    "mysql-alpha", "pg-notes"
  ]
}

resource "vault_database_secret_backend_connection" "postgresql" {
  name = "postgresql" # „straße"
  allowed_roles = [
    "pg-alpha", "pg-beta",
    "pg-gamma"
  ]
}

resource "vault_database_secret_backend_static_role" "mysql_alpha" {
  name = "mysql-alpha"
}

resource "vault_database_secret_backend_static_role" "pg_alpha" {
  name = "pg-alpha"
}

# === Another engine ===

resource "other" "pg_last" {
}
