# Answers with a page of its own when the tunnel does not, for hosts that people open in browsers.

variable "cloudflare_account_id" { type = string }

variable "cloudflare_zone_id" { type = string }

resource "cloudflare_worker_script" "outage" {
  account_id = var.cloudflare_account_id
  name       = "outage"
  content    = "addEventListener('fetch', event => event.respondWith(fetch(event.request)))"
}

locals {
  worker_covered_hosts = [
    "dashboard", "echo", "gallery", "ledger",
    "photos", "status", "test-failover", "wiki",
  ]
}

resource "cloudflare_worker_route" "outage_host" {
  for_each    = toset(local.worker_covered_hosts)
  zone_id     = var.cloudflare_zone_id
  pattern     = "${each.value}.viktorbarzin.me/*"
  script_name = cloudflare_worker_script.outage.name
}
