"""The platform profile: its values, the rules they obey, and what templates may know of them.

May import infra_repo, template and base.
"""
