"""What a tree of files lacks. Pure: trees are read, nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from generator.errors import RefusedError
from generator.registrations import Registration, register
from generator.render import File
from generator.trees import Tree

ANSWERS_FILE = ".copier-answers.yml"

FileAction = Literal["create", "update", "unchanged", "conflict"]


@dataclass(frozen=True)
class FileChange:
    """One wanted file against what is there."""

    repo: Literal["service", "infra"]
    path: str
    action: FileAction
    before: bytes | None
    file: File


@dataclass(frozen=True)
class RegistrationChange:
    """One registration against what is there; ``before`` and ``after`` are the whole file's text."""

    id: str
    path: str
    action: str
    before: str
    after: str


def compare(repo: Literal["service", "infra"], files: Iterable[File], tree: Tree, prefix: str = "") -> list[FileChange]:
    """Compare rendered files with a tree. A file that is there and differs is a conflict: it is never overwritten."""
    changes = []
    for file in files:
        path = f"{prefix}{file.path}"
        before = tree.read(path)
        action: FileAction = "create" if before is None else "unchanged" if before == file.content else "conflict"
        changes.append(FileChange(repo, path, action, before, File(path, file.content, file.executable)))
    return changes


def compare_registrations(registrations: Iterable[Registration], tree: Tree) -> list[RegistrationChange]:
    """What each registration would change. Several in one file build on one another.

    Raises ``RefusedError`` when a file or the place in it is not found.
    """
    texts: dict[str, str] = {}
    changes = []
    for registration in registrations:
        before = texts.get(registration.path)
        if before is None:
            before = _text(registration, tree)
        change = register(registration, before)
        texts[registration.path] = change.text
        changes.append(
            RegistrationChange(
                registration.id,
                registration.path,
                change.action,
                before,
                change.text,
            )
        )
    return changes


def registered_files(changes: Iterable[RegistrationChange]) -> list[File]:
    """The files that the registrations change, each once, in its last form."""
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for change in changes:
        first.setdefault(change.path, change.before)
        last[change.path] = change.after
    return [File(path, text.encode()) for path, text in last.items() if text != first[path]]


def recorded_answers(tree: Tree, prefix: str = "") -> dict[str, Any] | None:
    """The answers file that newservice left in a tree: the proof that it made it. None where there is none."""
    content = tree.read(f"{prefix}{ANSWERS_FILE}")
    if content is None:
        return None
    try:
        data = yaml.safe_load(content)
    except yaml.YAMLError:
        return None
    return data if isinstance(data, dict) else None


def _text(registration: Registration, tree: Tree) -> str:
    content = tree.read(registration.path)
    if content is None:
        raise RefusedError(
            "registration.file_not_found",
            f"registration {registration.id}: the infra repository has no {registration.path}",
            "check --infra and the platform profile; nothing was written",
        )
    return content.decode("utf-8")
