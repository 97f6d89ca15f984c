"""Publish the released templates at the profile's template address."""
