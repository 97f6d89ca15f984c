resource "null_resource" "mysql_static_user" {
  for_each = local.mysql_static_users
}

# Rotated.
resource "null_resource" "mysql_alpha_db" {
  triggers = { db_name = "alpha" }
}

resource "null_resource" "pg_alpha_db" {
  triggers = { db_name = "alpha" }
}
