"""What a person does after newservice, in the order that works."""

from __future__ import annotations

from generator.engine.project import Project


def after_the_pull_request(project: Project) -> tuple[str, ...]:
    """From the open pull request to a live service."""
    return (
        "review and merge the pull request in the infra repository",
        *project.to_do,
        proof(project.name),
    )


def proof(name: str) -> str:
    """How to see that all of it was done."""
    return f"check that it is alive: newservice verify {name} --wait"
