variable "cloudflare_account_id" { type = string }

variable "cloudflare_zone_id" { type = string }

module "cloudflared" {
  source                = "./modules/cloudflared"
  cloudflare_account_id = var.cloudflare_account_id
  cloudflare_zone_id    = var.cloudflare_zone_id
}
