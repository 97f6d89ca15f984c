# Credentials for private images, copied only to the namespaces that run some.

locals {
  ghcr_private_namespaces = [
    "ledger",
    # photo-frame builds privately until its first release.
    "photo-frame",
    "meal-planner",
    # The bot's plugin is private although the bot itself is not,
    # so its namespace is here too.
    "chat-bot",
  ]
}

resource "kubernetes_secret" "ghcr_credentials" {
  type = "kubernetes.io/dockerconfigjson"
  metadata {
    name      = "ghcr-credentials"
    namespace = "kyverno"
  }
  data = {
    ".dockerconfigjson" = jsonencode({ auths = { "ghcr.io" = { username = "ViktorBarzin", password = var.pull_token } } })
  }
}

resource "kubectl_manifest" "sync_ghcr_credentials" {
  force_new = true
  yaml_body = yamlencode({
    apiVersion = "kyverno.io/v1"
    kind       = "ClusterPolicy"
    metadata   = { name = "sync-ghcr-credentials" }
    spec = {
      rules = [
        {
          name     = "copy-to-namespace"
          match    = { any = [{ resources = { kinds = ["Namespace"], names = local.ghcr_private_namespaces } }] }
          generate = { kind = "Secret", name = "ghcr-credentials", synchronize = true }
        }
      ]
    }
  })
}

variable "pull_token" {
  type      = string
  sensitive = true
}
