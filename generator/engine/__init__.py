"""From what is recorded to what is wanted: ownership, transitions, plans, steps, the executor, saved plans.

May import clients, platform, infra_repo, template and base.
"""
