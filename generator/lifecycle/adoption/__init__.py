"""Adopting a repository that people began: what it says about itself, and what is to be added to it."""
