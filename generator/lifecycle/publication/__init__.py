"""Brings the released templates to the profile's template address."""
