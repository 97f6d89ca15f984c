module "traefik" {
  source = "./modules/traefik"
}
