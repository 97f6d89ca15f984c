"""One module for each outside system.

May import platform and everything below it.
"""
