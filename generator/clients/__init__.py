"""One module for each external system.

May import platform and everything below it.
"""
