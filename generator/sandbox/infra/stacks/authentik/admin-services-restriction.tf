# Which hosts are for administrators only, asked by the forward-auth of every host.

resource "authentik_policy_expression" "admin_services_restriction" {
  name = "admin-services-restriction"
  expression = trimspace(<<-EOT
    ADMIN_ONLY_HOSTS = {
        "dashboard.viktorbarzin.me",
        "ledger.viktorbarzin.me",
        "terminal.viktorbarzin.me",
        "netbox.viktorbarzin.me",
    }

    ADMIN_GROUP = "Home Server Admins"

    host = request.context.get("host", "")

    # Everybody who has signed in may use the rest.
    if host not in ADMIN_ONLY_HOSTS:
        return True

    return ak_is_group_member(request.user, name=ADMIN_GROUP)
  EOT
  )
}
