# The single sign-on. Who gets in where is said by each ingress; one policy reads it from there.

resource "helm_release" "authentik" {
  name       = "authentik"
  namespace  = "authentik"
  repository = "https://charts.goauthentik.io"
  chart      = "authentik"
}
