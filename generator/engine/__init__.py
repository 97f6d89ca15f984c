"""From a project to plans and writes: connections, steps, the executor, recorded state, saved plans.

May import clients, platform, infra_repo, template and base.
"""
