resource "policy" "other" {
  expression = <<-EOT
    ADMIN_ONLY_HOSTS = {
        "elsewhere.example.org",
    }
  EOT
}

# ADMIN_ONLY_HOSTS = {
resource "authentik_policy_expression" "admin_services_restriction" {
  name = "restriction"
  expression = trimspace(<<-EOT
    # ADMIN_ONLY_HOSTS = { "commented.example.org" }
    ADMIN_ONLY_HOSTS = {
        "alpha.example.org",  # “notes.example.org” moved
        # "notes.example.org",
        "beta.example.org",
        # keep this one last
    }

    host = request.context.get("host", "notes.example.org")
    if host not in ADMIN_ONLY_HOSTS:
        return True
    return "${var.group}" in {"notes.example.org"}
  EOT
  )
}
