"""The file that answers are kept in until a repository records them: private, and never in place of another file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from generator.base.errors import UnreadableError, UsageError
from generator.base.external import read_bounded
from generator.base.files import is_private, write_file
from generator.base.folders import expanded, home
from generator.base.secrets import redact
from generator.base.terminal_text import visible
from generator.engine.recorded import UNRECORDED, Recorded, parse_recorded

_MARK = "# Answers of `newservice create`"
"""What every file of ours begins with, those of earlier versions as well."""

_HEAD = f"{_MARK}. It deletes this file once a repository records them. Secrets have no values here.\n"


def answers_place(name: str, folder: Path) -> Path:
    """Where the answers of a service are looked for."""
    return folder / f"{name}.answers.yml"


def is_ours(path: Path) -> bool:
    """Whether newservice wrote a file, for this person: it is marked, no link, and nobody else can write it."""
    try:
        if not is_private(path) or not path.is_file():
            return False
        with path.open(encoding="utf-8") as stream:
            return stream.readline(len(_HEAD)).startswith(_MARK)
    except (OSError, UnicodeDecodeError):
        return False


def read_answers(name: str, folder: Path) -> Recorded:
    """The answers of a service that were kept in a folder; none where the file is missing or is not newservice's."""
    path = answers_place(name, folder)
    if not is_ours(path):
        return UNRECORDED
    try:
        return parse_recorded(read_bounded(path), str(path))
    except OSError as error:
        problem = UnreadableError(
            "update.unreadable", f"{path} can't be read: {error.strerror}", "correct or delete it"
        )
        return Recorded(str(path), {}, problem)


def forget_answers(path: Path) -> None:
    """Delete a file of newservice's, and no other; one that can't be deleted stays."""
    with suppress(OSError):
        if is_ours(path):
            path.unlink()


def place_for(name: str, folder: Path, taken_up: Path | None = None) -> Path:
    """Where answers of a service go: ``NAME.answers.yml``, another number where that is taken.

    ``taken_up`` is the file that they came from, which they may replace if newservice wrote it.
    """
    for number in count(1):
        path = answers_place(name, folder) if number == 1 else folder / f"{name}.answers-{number}.yml"
        if not os.path.lexists(path) or (taken_up is not None and _same_file(path, taken_up) and is_ours(path)):
            return path
    raise AssertionError("there is always another number")


def _same_file(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def home_place(name: str) -> Path | None:
    """Where answers go where the current folder can't be written; None without a home."""
    folder = home()
    return place_for(name, folder) if folder else None


def place_named(text: str, name: str) -> Path:
    """The file that a person named, or a new one in the folder that he named."""
    path = os.path.abspath(expanded(text.strip()))
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
