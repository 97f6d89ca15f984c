"""What reviewers read of a change: the answers, old and new, and what a person does afterwards. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from generator.engine.checklist import Checklist, Task
from generator.engine.transition import Transition
from generator.infra_repo.registrations.markdown import code
from generator.template.amendment import AnswerChange

_BEGIN, _END = "<!-- newservice: what changes -->", "<!-- newservice: end -->"
_SECTION = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
ALONE = Checklist()
"""Nothing surrounds the merge."""
_MOST = 120
"""The longest answer that is shown whole."""


def section(differing: Iterable[AnswerChange], found: Transition, merging: Checklist = ALONE) -> str:
    """The part of a pull request's text that newservice keeps up to date; empty where no answer differs.

    ``merging`` is what surrounds the merge.
    """
    head = ["| answer | from | to |", "|---|---|---|"]
    rows = [f"| {code(item.place, cell=True)} | {_cell(item.old)} | {_cell(item.new)} |" for item in differing]
    if not rows:
        return ""
    parts = ["\n".join([*head, *rows])]
    entries = [item for item in found.entries if item.action in ("add", "update", "remove")]
    if entries:
        listed = (f"- {item.action}: {code(item.path)} ({item.id})" for item in entries)
        parts.append("Registrations:\n\n" + "\n".join(listed))
    kept = [item.path for item in found.files if item.edited and item.before and item.action != "delete"]
    if kept:
        parts.append("Edits by people are kept in:\n\n" + "\n".join(f"- {code(path)}" for path in kept))
    parts += before_merge(merging)
    parts += [f"T{merging.started[1:]}."] if merging.pipeline else []
    parts += _tasks("After the merge, in this order", merging.after)
    return f"{_BEGIN}\n" + "\n\n".join(parts) + f"\n{_END}"


def before_merge(merging: Checklist) -> list[str]:
    """The part about what a person does before the merge; empty where that is nothing."""
    return _tasks("Before the merge, in this order", merging.before)


def _tasks(title: str, tasks: Iterable[Task]) -> list[str]:
    """A list to tick off, each command in a block of its own; nothing where there is none."""
    lines = [f"- [ ] {code(task.line)}{_block(task.command)}" for task in tasks]
    return [f"{title}:\n\n" + "\n".join(lines)] if lines else []


def _block(command: str) -> str:
    lines = "".join(f"  {line}\n" for line in command.split("\n"))
    return f"\n\n  ```sh\n{lines}  ```\n" if command else ""


def body(text: str) -> str:
    """The whole text of a new pull request."""
    return f"{text or 'The answers stay; the files follow them.'}\n\nMade by newservice.\n"


def says(current: str, text: str) -> bool:
    """Whether the ``current`` text of a pull request has the section ``text``, whatever is ticked off in it."""
    return text in current.replace("\r\n", "\n").replace("- [x]", "- [ ]")


def described(current: str, text: str) -> str:
    """The ``current`` text of a pull request with the section ``text``; the rest of it stays."""
    current = current.replace("\r\n", "\n")
    if _SECTION.search(current):
        return _SECTION.sub(lambda _: text, current, count=1)
    return f"{current.rstrip()}\n\n{text}\n".lstrip()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return code(plain if len(plain) <= _MOST else f"{plain[:_MOST]}…", cell=True)
