"""A stand-in for Terraform providers: schemas and behaviour recorded from real ones; see README.md."""
