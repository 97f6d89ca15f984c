"""Every service that newservice ever made: where each stands, and updating all of them to a newer template.

May import lifecycle and everything below it.
"""
