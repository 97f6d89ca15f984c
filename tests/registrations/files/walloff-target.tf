locals {
  authentik_walloff_targets = {
    # alpha status page
    "alpha-status" = "https://alpha.example.org/status"
    # NOTE: "notes-api" = "https://elsewhere.example.org/" is not probed — no address.
  }
}
