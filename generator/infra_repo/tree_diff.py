"""What a tree of files lacks. Pure: trees are read, nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from generator.base.errors import RefusedError
from generator.infra_repo.registrations import Registration, register, unregister
from generator.infra_repo.trees import Tree
from generator.template.files import File

FileAction = Literal["create", "update", "unchanged", "conflict", "delete"]


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
    """One registration against what is there; ``before`` and ``after`` are the whole file's text.

    ``refusal`` is set, and the action is ``refuse``, where its place was not found or is somebody else's.
    """

    id: str
    path: str
    action: str
    before: str
    after: str
    refusal: RefusedError | None = None


def compare(repo: Literal["service", "infra"], files: Iterable[File], tree: Tree, prefix: str = "") -> list[FileChange]:
    """Compare rendered files with a tree.

    A file that is there and differs is a conflict, for it is never overwritten; one that is made once may differ.
    """
    changes = []
    for file in files:
        path = f"{prefix}{file.path}"
        before = tree.read(path)
        right = file.once or before == file.content
        action: FileAction = "create" if before is None else "unchanged" if right else "conflict"
        changes.append(FileChange(repo, path, action, before, replace(file, path=path)))
    return changes


def compare_registrations(registrations: Iterable[Registration], tree: Tree) -> list[RegistrationChange]:
    """What each registration would change. Several in one file build on one another."""
    texts: dict[str, str] = {}
    return [_compare_registration(registration, tree, texts) for registration in registrations]


def _compare_registration(registration: Registration, tree: Tree, texts: dict[str, str]) -> RegistrationChange:
    before = texts.get(registration.path, "")
    try:
        if registration.path not in texts:
            before = _text(registration, tree)
        change = register(registration, before)
    except RefusedError as error:
        return RegistrationChange(registration.id, registration.path, "refuse", before, before, error)
    texts[registration.path] = change.text
    return RegistrationChange(registration.id, registration.path, change.action, before, change.text)


def compare_unregistered(registrations: Iterable[Registration], tree: Tree) -> list[RegistrationChange]:
    """What taking each registration back would change, the last one first; several in one file build on one another.

    ``remove``, ``absent``, or ``update`` with its ``refusal`` where an entry stays: somebody edited it.
    """
    texts: dict[str, str] = {}
    return [_compare_unregistered(registration, tree, texts) for registration in reversed(list(registrations))]


def _compare_unregistered(registration: Registration, tree: Tree, texts: dict[str, str]) -> RegistrationChange:
    path, before = registration.path, texts.get(registration.path, "")
    try:
        if path not in texts:
            before = _text(registration, tree)
        change = unregister(registration, before)
    except RefusedError as error:
        return RegistrationChange(registration.id, path, "update", before, before, error)
    texts[path] = change.text
    return RegistrationChange(registration.id, path, change.action, before, change.text)


def not_ours(changes: Iterable[RegistrationChange]) -> list[RegistrationChange]:
    """Registrations of a stack that is yet to be made: an entry that differs can only be somebody else's."""
    return [_refused(change) if change.action == "update" else change for change in changes]


def _refused(change: RegistrationChange) -> RegistrationChange:
    error = RefusedError(
        "registration.foreign",
        f"registration {change.id}: {change.path} has an entry under the service's names that is not as it would be"
        f": {_difference(change.before, change.after)}",
        "take the entry away if it was made for this service, or choose another name",
    )
    return replace(change, action="refuse", refusal=error)


def _difference(before: str, after: str) -> str:
    """The first lines in which two texts differ, for a sentence."""
    lines = zip_longest(before.splitlines(), after.splitlines(), fillvalue="")
    pair = next((pair for pair in lines if pair[0] != pair[1]), None)
    return f"'{pair[0].strip()}' instead of '{pair[1].strip()}'" if pair else "a comment of somebody's belongs to it"


def refusal(changes: Iterable[RegistrationChange]) -> RefusedError | None:
    """Everything that keeps registrations from being made, as one error; None where nothing does."""
    errors = [change.refusal for change in changes if change.refusal]
    if not errors:
        return None
    messages, hints = (dict.fromkeys(texts) for texts in zip(*((e.message, e.hint) for e in errors), strict=True))
    return RefusedError(errors[0].code, "; ".join(messages), "\n".join(hints))


def registered_files(changes: Iterable[RegistrationChange]) -> list[File]:
    """The files that the registrations change, each once, in its last form."""
    first: dict[str, str] = {}
    last: dict[str, str] = {}
    for change in changes:
        first.setdefault(change.path, change.before)
        last[change.path] = change.after
    return [File(path, text.encode()) for path, text in last.items() if text != first[path]]


def _text(registration: Registration, tree: Tree) -> str:
    content = tree.read(registration.path)
    if content is None:
        raise RefusedError(
            "registration.file_not_found",
            f"registration {registration.id}: the infra repository has no {registration.path}",
            "check --infra and the platform profile",
        )
    return content.decode("utf-8")
