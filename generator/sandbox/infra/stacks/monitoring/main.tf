module "monitoring" {
  source = "./modules/monitoring"
}
