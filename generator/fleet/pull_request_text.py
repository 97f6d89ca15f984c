"""What reviewers read: the text of an update's pull request."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from generator.fleet.planning import Task
from generator.infra_repo.registrations.markdown import code, escape
from generator.platform.profile import InfraRepository

CLOSED = "Closed by newservice: the default branch is of template {version} already."


@cache
def _template() -> Template:
    environment = Environment(  # noqa: S701 - Markdown; the HTML report has its own environment
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": code, "plain": _plain}
    return environment.get_template("pull_request.md.jinja")


def _plain(text: str) -> str:
    """A foreign sentence as plain text on one line."""
    return re.sub(r"^([-+=#>]|\d+[.)])|@", r"\\\g<0>", escape(text))


def body(task: Task, infra: InfraRepository) -> str:
    """The text of a pull request; ``infra`` says what its merge applies."""
    applying = _applying(task, infra)
    return _template().render(task=task, finding=task.finding, changed=task.finding.files, applying=applying)


def _applying(task: Task, infra: InfraRepository) -> str:
    """Who applies the stacks of shared files that change."""
    if infra.pipeline is None:
        return "Apply the stacks that these files belong to as well."
    stacks = dict.fromkeys(infra.stack_of(note.path) for note in task.entries)
    never = [stack for stack in stacks if stack in infra.pipeline.never]
    by_hand = f" It never applies {', '.join(map(code, never))}: apply that by hand, before the merge." if never else ""
    return f"The merge's pipeline applies the stacks that these files belong to.{by_hand}"


def closed_body(task: Task) -> str:
    """The pull request's current text, followed by the reason for closing it."""
    pull = task.branch.pull if task.branch else None
    said = pull.body.rstrip() if pull else ""
    return f"{said}\n\n{CLOSED.format(version=task.finding.version)}\n".lstrip()
