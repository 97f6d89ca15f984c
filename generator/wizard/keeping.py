"""The file that answers are kept in when a person stops: private, complete, and never in place of another file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from generator.base.errors import UsageError
from generator.base.files import write_file
from generator.base.secrets import redact
from generator.base.terminal_text import visible

_HEAD = "# Answers of `newservice create`, saved when it was stopped. Secrets have no values here.\n"


def place_for(name: str, folder: Path, taken_up: Path | None = None) -> Path:
    """Where answers of a service go: ``NAME.answers.yml``, another number where that is taken.

    ``taken_up`` is the file that they came from, which they may replace.
    """
    for number in count(1):
        path = folder / (f"{name}.answers.yml" if number == 1 else f"{name}.answers-{number}.yml")
        if not os.path.lexists(path) or (taken_up is not None and path.resolve() == taken_up.resolve()):
            return path
    raise AssertionError("there is always another number")


def home_place(name: str) -> Path:
    """Where answers go where the current folder can't be written."""
    return place_for(name, Path(os.path.expanduser("~")))


def place_named(text: str, name: str) -> Path:
    """The file that a person named, or a new one in the folder that he named."""
    path = os.path.abspath(os.path.expanduser(text.strip()))
    return place_for(name, Path(path)) if os.path.isdir(path) else Path(path)


def answers_text(answers: Mapping[str, Any], width: int = 10**6) -> tuple[str, tuple[str, ...]]:
    """The answers as YAML, and the names of those that hold a credential and are left out."""
    secret = tuple(name for name, value in answers.items() if _text({name: value}) != redact(_text({name: value})))
    kept = {name: value for name, value in answers.items() if name not in secret}
    text = _text(kept, width)
    if text != visible(text):  # on a screen nothing is taken for a command
        text = str(yaml.safe_dump(kept, sort_keys=False, width=width))
    return text, secret


def keep_answers(path: Path, answers: Mapping[str, Any], *, replace: bool) -> tuple[str, ...]:
    """Write the answers, for nobody else to read; returns the names of those that hold a credential and are left out.

    Raises ``UsageError`` where nothing can be written, or where a file came up meanwhile and ``replace`` is false.
    """
    text, secret = answers_text(answers)
    try:
        write_file(path, _HEAD + text, replace=replace)  # not over a file that came up meanwhile
    except OSError as error:
        raise UsageError(
            "answers.unwritable", f"{path} can't be written: {error.strerror}", "use a folder that can be written"
        ) from error
    return secret


def _text(answers: Mapping[str, Any], width: int = 10**6) -> str:
    return str(yaml.safe_dump(dict(answers), allow_unicode=True, sort_keys=False, width=width))
