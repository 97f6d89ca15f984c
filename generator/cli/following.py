"""What a person does beside newservice, in the order that works."""

from __future__ import annotations

from generator.engine.checklist import Checklist
from generator.engine.plan import Action, Plan
from generator.engine.project import Project

MERGE = "review and merge the pull request in the infra repository"


def around_the_merge(project: Project) -> tuple[str, ...]:
    """From the open pull request to a live service."""
    return (*project.checklist.around([MERGE]), proof(project.name))


def shown(plan: Plan, project: Project) -> Checklist | None:
    """What surrounds the merge that a plan leads to; None where it leads to none, and all of it is merged."""
    if not project.answers.stacked:
        return None
    request = next((step for step in plan.steps if step.id == "infra.pull_request"), None)
    if request is None:
        return None if plan.changes_nothing else project.checklist
    open_ = request.decision.action is not Action.NONE or request.decision.summary.startswith("http")
    return project.checklist if open_ and not plan.unknown else None


def proof(name: str) -> str:
    """How to see that all of it was done."""
    return f"check that it is alive: newservice verify {name} --wait"
