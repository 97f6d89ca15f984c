"""A stand-in for Terraform providers, which serves schemas recorded from real ones; see README.md."""
