"""From what others wrote for another platform to answers: a Docker Compose file.

``project`` is the only module that reads files. Nothing here writes or prints, and nothing is executed or fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from generator.lifecycle.importing.checking import check, without_secrets
from generator.lifecycle.importing.choice import candidates
from generator.lifecycle.importing.conventions import Conventions
from generator.lifecycle.importing.draft import Draft
from generator.lifecycle.importing.mapping import draft_of
from generator.lifecycle.importing.project import load_project
from generator.lifecycle.importing.writing import answers_file
from generator.template.questions import Question
from generator.template.template import Template

__all__ = ["Imported", "answers_file", "imported", "services_in"]


class Imported(NamedTuple):
    """Answers, and what they were imported from, in words."""

    draft: Draft
    source: str


def services_in(path: Path, env_file: Path | None) -> list[str]:
    """The services of a Compose file that may be meant, the likeliest first. Raises ``UsageError`` as ``imported``."""
    return candidates(load_project(path, env_file), Conventions.installed())


def imported(
    path: Path,
    env_file: Path | None,
    template: Template,
    questions: tuple[Question, ...],
    platform: Mapping[str, Any],
    given: Mapping[str, Any],
    service: str = "",
) -> Imported:
    """The answers that a Compose file says, for one of its services.

    ``env_file`` fills in variables, in place of the ``.env`` beside the file; ``given`` are answers that win.
    Raises ``UsageError`` for a file that can't be read or is none, where it has no such service, and for what is wrong
    with ``given``.
    """
    project = load_project(path, env_file)
    draft, key = draft_of(project, Conventions.installed(), platform, given, service)
    without_secrets(draft)
    check(draft, template, questions, platform)
    return Imported(draft, f"{project.file}, service {key}")
