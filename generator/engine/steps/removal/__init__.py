"""Removing what newservice created and nobody has changed since: the counterparts of the steps."""
