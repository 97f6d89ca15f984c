# Groups that are made here; others are made by hand in the interface, and scripts/check-allowed-groups.py knows those.

resource "authentik_group" "family" {
  name = "Family"
}

resource "authentik_group" "ledger" {
  name = "Ledger Users"
}
