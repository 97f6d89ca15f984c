resource "null_resource" "pg_cluster" {
}

# First of its kind.
resource "null_resource" "pg_alpha_db" {
  triggers = { db_name = "alpha" }
}

resource "null_resource" "pg_beta_db" {
  triggers = { db_name = "beta" }
}

resource "null_resource" "pg_gamma_dbs" {
  triggers = { role = "gamma" }
}
