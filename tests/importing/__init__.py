"""``import compose`` against Compose files of known applications, whose facts come from their documentation."""
