# Routes of the worker; „früher“ one for all.
locals {
  # Those that people open in browsers.
  worker_covered_hosts = [
    "alpha", "beta",
    "gamma", "test-failover",
  ]
}

resource "cloudflare_worker_route" "host" {
  for_each = toset(local.worker_covered_hosts)
  pattern  = "${each.value}.example.org/*"
}
