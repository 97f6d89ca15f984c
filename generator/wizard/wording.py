"""What ``copier.yml`` says to a person at a question, for the answers so far. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from generator.template.questions import Question
from generator.template.resolution import Resolution
from generator.template.template import Template, parse_yaml

_PART = "[% from 'templates/macros/checks.jinja' import check %][[ check(value, shape) ]]"


def explained(template: Template, question: Question, context: Mapping[str, Any]) -> dict[str, str]:
    """A line for each choice, by the choice as it is written; ``context`` is what an expression may use."""
    explains = question.explains
    if isinstance(explains, str):
        explains = parse_yaml(template.render(explains, context)) or {}
    return {_key(choice): " ".join(str(line).split()) for choice, line in explains.items()}


def known(resolution: Resolution) -> dict[str, Any]:
    """What expressions may use at this point."""
    return {**resolution.earlier, **resolution.context}


def suggestion(question: Question, resolution: Resolution) -> str:
    """What is typed already where there is no default; empty where nothing can be guessed."""
    return resolution.template.render(question.suggest, known(resolution)) if question.suggest else ""


def part_problems(template: Template, value: Any, shape: Mapping[str, Any]) -> Sequence[str]:
    """What is wrong with a part of an answer, by the template's own rules for shapes."""
    rendered = template.render(_PART, {"value": value, "shape": shape})
    return [line.strip() for line in rendered.splitlines() if line.strip()]


def _key(choice: Any) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)
