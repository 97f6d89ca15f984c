# Namespaces: "notes" is only mentioned here — not listed.
locals {
  ghcr_private_namespaces = [
    "alpha",
    # "notes" would be next
    "beta",
    # keep this remark last
  ]
}
