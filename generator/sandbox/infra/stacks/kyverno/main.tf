data "vault_kv_secret_v2" "viktor" {
  mount = "secret"
  name  = "viktor"
}

module "kyverno" {
  source     = "./modules/kyverno"
  pull_token = data.vault_kv_secret_v2.viktor.data["ghcr_pull_token"]
}
