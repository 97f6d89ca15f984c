module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.null.metadata[0].name
  name            = "null"
  port            = 80
  tls_secret_name = var.tls_secret_name
  dns_type        = "proxied"
  # auth = "none": "q" 'a' `b` \ \n ${x} $${y} %{if z} {{ .w }} ${{ github.token }} [[ name ]] ]] [% v %] # // /* */ <b> | & * ! @ - : --- EOT 😀 é
  auth = "none"
  extra_annotations = {
    "gethomepage.dev/enabled"      = "true"
    "gethomepage.dev/name"         = "\"q\" 'a' `b` \\ \\n $${x} $\u0024{y} %%{if z} {{ .w }} $${{ github.token }} [[ name ]] ]] [% v %] # // /* */ <b> | & * ! @ - : --- EOT 😀 é"
    "gethomepage.dev/description"  = "\"q\" 'a' `b` \\ \\n $${x} $\u0024{y} %%{if z} {{ .w }} $${{ github.token }} [[ name ]] ]] [% v %] # // /* */ <b> | & * ! @ - : --- EOT 😀 é"
    "gethomepage.dev/pod-selector" = ""
    "gethomepage.dev/icon"         = "\"q\" 'a' `b` \\ \\n $${x} $\u0024{y} %%{if z} {{ .w }} $${{ github.token }} [[ name ]] ]] [% v %] # // /* */ <b> | & * ! @ - : --- EOT 😀 é"
    "gethomepage.dev/group"        = "\"q\" 'a' `b` \\ \\n $${x} $\u0024{y} %%{if z} {{ .w }} $${{ github.token }} [[ name ]] ]] [% v %] # // /* */ <b> | & * ! @ - : --- EOT 😀 é"
  }
}

module "ingress_hooks" {
  source           = "../../modules/kubernetes/ingress_factory"
  namespace        = kubernetes_namespace.null.metadata[0].name
  name             = "null-hooks"
  host             = "null"
  service_name     = kubernetes_service.null.metadata[0].name
  ingress_path     = ["/hooks"]
  port             = 80
  tls_secret_name  = var.tls_secret_name
  anti_ai_scraping = false
  # auth = "none": "q" 'a' `b` \ \n ${x} $${y} %{if z} {{ .w }} ${{ github.token }} [[ name ]] ]] [% v %] # // /* */ <b> | & * ! @ - : --- EOT 😀 é
  auth             = "none"
  homepage_enabled = false
}
