"""All services that newservice has made: the status of each, and updating all of them to a newer template.

May import lifecycle and everything below it.
"""
