"""Names that another stack has already: hosts, namespaces, databases. What to look for is data of the template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import yaml

from generator.answers import Answers
from generator.errors import Problem
from generator.hcl import HclSyntaxError, parse
from generator.template import Template


@dataclass(frozen=True)
class Allocation:
    """A value that only one stack may have, and the blocks that say who has it."""

    what: str
    question: str
    value: str
    block: tuple[str, ...]
    having: Mapping[str, str]
    settings: tuple[str, ...]


def load_allocations(template: Template, answers: Answers) -> list[Allocation]:
    """The allocations that these answers need."""
    text = (template.root / "templates" / "allocations.yml").read_text(encoding="utf-8")
    needed = []
    for item in yaml.safe_load(text):
        rendered = _render(template, answers, item)
        if yaml.safe_load(rendered.get("when", "true")):
            needed.append(
                Allocation(
                    rendered["what"],
                    rendered["question"],
                    rendered["value"],
                    tuple(rendered["block"].split(".")),
                    rendered.get("having", {}),
                    tuple(rendered["settings"]),
                )
            )
    return needed


def taken(allocations: Iterable[Allocation], files: Iterable[tuple[str, bytes]]) -> list[Problem]:
    """Allocations that one of ``files`` (path and content of other stacks' Terraform) has; each told once.

    A file that is no HCL is passed over: it is not ours to judge.
    """
    found: dict[tuple[str, str], Problem] = {}
    wanted = list(allocations)
    for path, content in files:
        near = [item for item in wanted if item.value.encode() in content]
        if not near:
            continue
        try:
            document = parse(content.decode("utf-8", "replace"))
        except HclSyntaxError:
            continue
        for item in near:
            for block, settings in document.literals(item.block):
                if _has(item, settings):
                    found.setdefault((item.what, item.value), _problem(item, path, ".".join(block)))
    return list(found.values())


def _has(item: Allocation, settings: Mapping[str, str]) -> bool:
    if not all(fnmatchcase(settings.get(key, ""), pattern) for key, pattern in item.having.items()):
        return False
    return next((settings[key] for key in item.settings if key in settings), None) == item.value


def _problem(item: Allocation, path: str, block: str) -> Problem:
    return Problem(
        "answer.taken",
        item.question,
        f"{item.question}: the {item.what} '{item.value}' is taken by {block} in {path}",
        f"choose another {item.what}",
    )


def _render(template: Template, answers: Answers, value: Any) -> Any:
    if isinstance(value, str):
        return template.render(value, answers.context)
    if isinstance(value, list):
        return [_render(template, answers, item) for item in value]
    if isinstance(value, dict):
        return {key: _render(template, answers, item) for key, item in value.items()}
    return value
