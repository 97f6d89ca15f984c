"""What reviewers read: the text of an update's pull request."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from generator.fleet.planning import Task

CLOSED = "Closed by newservice: the default branch is of template {version} already."


@cache
def _template() -> Template:
    environment = Environment(  # noqa: S701 - Markdown; the page for a browser has an environment of its own
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("pull_request.md.jinja")


def body(task: Task) -> str:
    """The text of a pull request."""
    return _template().render(task=task, finding=task.finding, changed=task.finding.files)


def closed_body(task: Task) -> str:
    """The same pull request's text, with why it was closed at the end."""
    pull = task.branch.pull if task.branch else None
    said = pull.body.rstrip() if pull else ""
    return f"{said}\n\n{CLOSED.format(version=task.finding.version)}\n".lstrip()
