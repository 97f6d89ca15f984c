"""What happens to a service in its life, one short pipeline each: import, update, removal, verify, doctor, publication.

May import engine and everything below it.
"""
