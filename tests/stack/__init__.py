"""What lands in the infra repository."""
