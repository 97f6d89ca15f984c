"""Removing what newservice created and nobody has changed since: look at everything, show it, carry it out."""
