"""What a person does after a merge: from the template's ``apply.yml`` and from the registrations. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generator.infra_repo.entries import RegistrationChange
from generator.infra_repo.registrations import Registration
from generator.infra_repo.tree_diff import FileChange
from generator.template.files import ANSWERS_FILE
from generator.template.template import Template, parse_yaml

_CODE = re.compile(r"\[\[(.*?)\]\]|\[%(.*?)%\]", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]+")
_NOT_ANSWERS = frozenset({"platform"})


@dataclass(frozen=True)
class Task:
    """A line for a person, and its place in the order.

    ``reads``: the answers that it depends on. ``always``: it has no condition, so that every change needs it.
    ``number`` is its place in ``apply.yml``.
    """

    order: int
    line: str
    reads: frozenset[str] = frozenset()
    always: bool = False
    number: int = 0


def tasks_of(template: Template, context: Mapping[str, Any]) -> Iterator[Task]:
    """What ``apply.yml`` of a version of the template asks for with these answers."""
    path = template.root / "templates" / "apply.yml"
    for number, item in enumerate(parse_yaml(path.read_text(encoding="utf-8")) if path.is_file() else ()):
        condition = item.get("when")
        if condition is None or parse_yaml(template.render(condition, context)):
            code = " ".join(match[1] or match[2] for match in _CODE.finditer(f"{condition or ''}{item['do']}"))
            line = template.render(item["do"], context)
            yield Task(item["order"], line, frozenset(_NAME.findall(code)), condition is None, number)


def to_apply(registrations: Iterable[Registration]) -> Iterator[Task]:
    """What is to be applied because of registrations."""
    return (Task(item.order, f"apply {item.apply_note}") for item in registrations if item.apply_note)


def after_merge(
    before: tuple[Template, Mapping[str, Any]],
    after: tuple[Template, Mapping[str, Any]],
    registrations: Iterable[Registration],
    files: Iterable[FileChange],
    entries: Iterable[RegistrationChange],
) -> tuple[str, ...]:
    """What a person does once a change of a stack is merged: only what files, entries and answers require.

    ``before`` and ``after`` are versions of the template, each with the context of its answers; ``registrations`` those
    of both.
    """
    names = (before[1].keys() | after[1].keys()) - _NOT_ANSWERS
    changed = {name for name in names if before[1].get(name) != after[1].get(name)}
    moved = {(item.id, item.path) for item in entries if item.action in ("add", "update", "remove")}
    paths = [item.path for item in files if item.written or item.action in ("delete", "conflict")]
    files_change = any(not path.endswith(ANSWERS_FILE) for path in paths)
    own = _required(_about_the_new(before[1], *after), tasks_of(*before), changed, files=files_change)
    return in_order([*to_apply(item for item in registrations if (item.id, item.path) in moved), *own])


def _about_the_new(before: Mapping[str, Any], template: Template, after: Mapping[str, Any]) -> Iterator[Task]:
    """What these answers ask for; where an answer is a list, only because of what is new in it."""
    lists = {name: value for name, value in after.items() if isinstance(value, list)}
    known = {name: before[name] for name in lists if isinstance(before.get(name), list)}
    new = {name: [item for item in lists[name] if item not in known[name]] for name in known}
    asked = {task.number: task for task in tasks_of(template, {**after, **new})}
    return (task if task.always else asked[task.number] for task in tasks_of(template, after) if task.number in asked)


def _required(tasks: Iterable[Task], before: Iterable[Task], changed: Iterable[str], *, files: bool) -> Iterator[Task]:
    """Those of ``tasks`` that a change needs: new ones, those that depend on ``changed`` answers.

    ``before`` are those of the earlier answers. ``files``: the stack's own files change as well.
    """
    lines, names = {task.line for task in before}, frozenset(changed)
    return (task for task in tasks if (files if task.always else task.line not in lines or task.reads & names))


def in_order(tasks: Iterable[Task]) -> tuple[str, ...]:
    """Their lines, each once, in the order that works."""
    return tuple(dict.fromkeys(line for _, line in sorted((task.order, task.line) for task in tasks)))
