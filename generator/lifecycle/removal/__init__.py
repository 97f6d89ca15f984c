"""Removing what newservice created and nobody has changed since: observe everything, show the plan, carry it out."""
