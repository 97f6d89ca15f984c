locals {
  # A job reads this list.
  internal_monitors = [
    {
      name = "alpha", type = "port", port = 443
    },
    {
      # Not "notes", but near it: „é“
      name                 = "beta"
      type                 = "http"
      url                  = "http://notes.notes.svc.cluster.local/healthz"
      accepted_statuscodes = ["200-299", "300-399"]
    }, # the last one
  ]

  others = [
    { name = "notes" },
  ]
}
