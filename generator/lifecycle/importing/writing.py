"""The answers file, with a comment for each answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import yaml

from generator.base.findings import Finding
from generator.base.secrets import redact
from generator.base.terminal_text import visible
from generator.lifecycle.importing.draft import Draft

_PARTS = (
    ("missing", "Missing"),
    ("unexpressed", "Not expressed by these answers"),
    ("secret", "Secrets, without their values"),
)


def answers_file(draft: Draft, order: Sequence[str], source: str, following: str) -> str:
    """The text of an answers file. ``order``: the questions; ``source``: what they were imported from; ``following``:
    the command that takes the file."""
    lines = [
        f"# Answers imported by `newservice import compose` from {_line(source)}.",
        f"# Look through them, then: {_line(following)}",
    ]
    for kind, title in _PARTS:
        found = [finding for finding in draft.findings if finding.kind == kind]
        if found:
            lines += ["#", f"# {title}:", *(f"# - {_said(finding)}" for finding in found)]
    lines.append("")
    for question in sorted(draft.answers, key=list(order).index):
        lines += _answer(draft, question)
    return "\n".join(map(_safe, lines)) + "\n"


def _answer(draft: Draft, question: str) -> Iterator[str]:
    value = draft.answers[question]
    yield from _comments(draft, question)
    if question in ("env", "secrets") and isinstance(value, dict) and value:
        yield f"{question}:"
        for key, item in value.items():
            yield from _indented([*_comments(draft, f"{question}.{key}"), *_yaml({key: item})])
    elif question == "volumes" and isinstance(value, list) and value:
        yield f"{question}:"
        for item in value:
            name = item.get("name", "") if isinstance(item, dict) else ""
            yield from _indented([*_comments(draft, f"{question}.{name}"), *_yaml([item])])
    else:
        yield from _yaml({question: value})


def _comments(draft: Draft, place: str) -> Iterator[str]:
    """Where an answer is from, and what is assumed about it."""
    if origin := draft.origins.get(place):
        yield f"# {_line(origin)}"
    elif place in draft.given:
        yield "# given on the command line"
    for finding in draft.findings:
        if finding.kind == "assumed" and finding.question == place:
            yield f"# assumed: {_line(finding.message)}"


def _said(finding: Finding) -> str:
    where = f" ({finding.origin})" if finding.origin else ""
    return _line(f"{finding.question}: {finding.message}{where}".removeprefix(": "))


def _line(text: str) -> str:
    return redact(" ".join(text.split()))


def _safe(line: str) -> str:
    return visible(line, kept="\n") if line.lstrip().startswith("#") else line


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _yaml(value: Any) -> list[str]:
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=10**6)
    if text != visible(text):  # on a screen nothing is taken for a command
        text = yaml.safe_dump(value, sort_keys=False, width=10**6)
    return str(text).rstrip("\n").split("\n")
