# What pods may be. The cluster refuses every other at admission.

locals {
  # Parts of the cluster itself, which these policies leave alone.
  security_policy_exclude_namespaces = ["kube-system", "kyverno", "vault", "dbaas", "traefik"]
}

resource "kubectl_manifest" "policy_require_trusted_registries" {
  yaml_body = yamlencode({
    apiVersion = "kyverno.io/v1"
    kind       = "ClusterPolicy"
    metadata   = { name = "require-trusted-registries" }
    spec = {
      validationFailureAction = "Enforce"
      background              = true
      rules = [{
        name = "validate-registries"
        match = {
          any = [{ resources = { kinds = ["Pod"] } }]
        }
        exclude = {
          any = [{ resources = { namespaces = local.security_policy_exclude_namespaces } }]
        }
        validate = {
          message = "This registry is not on the list of those that images may come from."
          pattern = {
            spec = {
              containers = [{
                image = join(" | ", [
                  # Whole registries.
                  "docker.io/*", "ghcr.io/*", "quay.io/*", "registry.k8s.io/*", "lscr.io/*",
                  # Docker Hub without its name: images of nobody, then owners, one by one.
                  "alpine*", "busybox*", "nginx*",
                  "library/*", "mendhak/*", "zadam/*",
                ])
              }]
            }
          }
        }
      }]
    }
  })
}
