"""What reviewers read of a change: the answers, old and new, and what a person does afterwards. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from generator.engine.transition import Transition
from generator.infra_repo.registrations.markdown import code
from generator.template.amendment import AnswerChange

_BEGIN, _END = "<!-- newservice: what changes -->", "<!-- newservice: end -->"
_SECTION = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
_MOST = 120
"""The longest answer that is shown whole."""


def section(
    differing: Iterable[AnswerChange], found: Transition, to_do: Iterable[str], before: Iterable[str] = ()
) -> str:
    """The part of a pull request's text that newservice keeps up to date; empty where no answer differs.

    ``before`` is to be done before the merge.
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
    for title, lines in (("Before the merge", before), ("After the merge, in this order", to_do)):
        tasks = [f"- [ ] {code(line)}" for line in lines]
        if tasks:
            parts.append(f"{title}:\n\n" + "\n".join(tasks))
    return f"{_BEGIN}\n" + "\n\n".join(parts) + f"\n{_END}"


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
