resource "kubernetes_manifest" "middleware_rate_limit" {
  manifest = { spec = { rateLimit = { average = 1, burst = 2 } } }
}

# „Früher“ than the rest
resource "kubernetes_manifest" "middleware_alpha_rate_limit" {
  manifest = { spec = { rateLimit = { average = 3, burst = 4 } } }
}

resource "kubernetes_manifest" "middleware_beta_rate_limit" {
  manifest = { spec = { rateLimit = { average = 5, burst = 6 } } }
} # the last one

resource "kubernetes_manifest" "middleware_compress" {
  manifest = { spec = { compress = {} } }
}
