variable "tls_secret_name" { type = string }
variable "nfs_server" { type = string }

module "dbaas" {
  source          = "./modules/dbaas"
  tls_secret_name = var.tls_secret_name
  nfs_server      = var.nfs_server
  tier            = local.tiers.cluster
}
