"""Words that may stand in a place of the command line, for the shell's completion: quick, and without any network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generator.template.files import ANSWERS_FILE
from generator.template.questions import Question
from generator.template.template import PACKAGE, Template, parse_yaml


def answer_words(template: Template, question: Question, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Single words that answer a question: its choices, those of the platform, or those of its shape."""
    choices = question.choices
    if isinstance(choices, str):
        choices = tuple(parse_yaml(template.render(choices, {"platform": facts})))
    found = [*choices, *_words(question.shape or {})]
    return tuple(dict.fromkeys(str(word) for word in found))


def _words(shape: Mapping[str, Any]) -> Iterator[str]:
    """The words that a shape takes by themselves; not those inside of its lists and maps."""
    listed = shape.get("enum", ())
    yield from (word for word in listed if isinstance(word, str))
    if shape.get("type") == "boolean" and not listed:
        yield from ("true", "false")
    for branch in shape.get("anyOf", ()):
        yield from _words(branch)
    if shape.get("type") == "array":
        yield from _words(shape.get("items", {}))


def service_names(stacks: Path, folder: Path) -> tuple[str, ...]:
    """Names of services: stacks with an answers file below ``stacks``, and services' repositories below ``folder``."""
    found = {path.parent.name for path in _answers_files(stacks)}
    found |= {path.parent.name for path in _answers_files(folder) if _is_ours(path)}
    return tuple(sorted(found))


def released_versions() -> tuple[str, ...]:
    """All released versions of the template, the newest first."""
    index = json.loads((PACKAGE / "released" / "index.json").read_text(encoding="utf-8"))
    return tuple(str(entry["version"]) for entry in reversed(index))


def _answers_files(folder: Path) -> Iterator[Path]:
    try:
        return iter([path for path in folder.glob(f"*/{ANSWERS_FILE}") if path.is_file()])
    except OSError:
        return iter(())


def _is_ours(path: Path) -> bool:
    """Whether it is the answers file of a service of this folder's name; other templates of copier leave such too."""
    try:
        return f"\nname: {path.parent.name}\n" in "\n" + path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
