"""Three-way merge of a tree: what was made then, what is there now, and what would be made now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from generator.clients.git import merge_file
from generator.infra_repo.trees import Tree
from generator.template.files import ANSWERS_FILE, File

Action = Literal["add", "update", "delete", "unchanged", "kept", "conflict"]


@dataclass(frozen=True)
class Merged:
    """One file of an update; ``path`` is from the repository's root.

    ``before`` is what is there, ``after`` what is to be there (None: no file). ``kept``: somebody's own edit or
    removal, and the template has nothing to say about it. ``edited``: what is there is not what newservice made. In a
    ``conflict``, ``after`` has git's marks where both sides changed the same lines; else it is ``before``. ``base``
    and ``wanted`` are the template's then and now.
    """

    path: str
    action: Action
    before: bytes | None
    after: bytes | None
    edited: bool = False
    executable: bool = False
    base: bytes | None = None
    wanted: bytes | None = None


def edited_files(made: Iterable[File], tree: Tree, prefix: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths of the files that are not as they were made, and of those that were taken away.

    Files that are their owner's from the start do not count, nor does the answers file.
    """
    edited, deleted = [], []
    for file in made:
        if file.once or file.path == ANSWERS_FILE:
            continue
        path = f"{prefix}{file.path}"
        found = tree.read(path)
        if found is None:
            deleted.append(path)
        elif found != file.content:
            edited.append(path)
    return tuple(edited), tuple(deleted)


def merge_files(made: Iterable[File], wanted: Iterable[File], tree: Tree, prefix: str = "") -> tuple[Merged, ...]:
    """Each file that the template made or makes, sorted by path."""
    then, now = ({file.path: file for file in files} for files in (made, wanted))
    return tuple(
        _merged(then.get(path), now.get(path), tree.read(f"{prefix}{path}"), f"{prefix}{path}")
        for path in sorted({*then, *now})
    )


def _merged(made: File | None, wanted: File | None, found: bytes | None, path: str) -> Merged:
    """One file; one whose line ends are those of another system is merged without them, and keeps them."""
    if found is None or b"\r\n" not in found or (made is not None and b"\r\n" in made.content):
        return _outcome(made, wanted, found, path)
    plain = _outcome(made, wanted, found.replace(b"\r\n", b"\n"), path)
    ours = found if plain.after == plain.before else _other_ends(plain.after)
    return replace(plain, before=found, after=ours)


def _other_ends(content: bytes | None) -> bytes | None:
    return None if content is None else content.replace(b"\n", b"\r\n")


def _outcome(made: File | None, wanted: File | None, found: bytes | None, path: str) -> Merged:
    base, new = made.content if made else None, wanted.content if wanted else None
    executable = wanted is not None and wanted.executable
    edited = found != base

    def outcome(action: Action, after: bytes | None) -> Merged:
        return Merged(path, action, found, after, edited, executable, base, new)

    if wanted is not None and wanted.path == ANSWERS_FILE:
        return outcome("unchanged" if found == new else "update", new)
    if found == new:
        return outcome("unchanged", found)
    if found is None:
        # Taken away by its owner; one that is made once comes again, as with copier.
        gone = made is not None and not (wanted is not None and wanted.once)
        return outcome("kept", None) if gone else outcome("add", new)
    if wanted is not None and wanted.once:
        return outcome("kept", found)
    if not edited:
        return outcome("delete" if new is None else "update", new)
    if new == base:
        return outcome("kept", found)
    if new is None:
        return outcome("conflict", found)
    merged, conflicts = merge_file(found, base or b"", new)
    if conflicts:
        return outcome("conflict", merged)
    return outcome("unchanged" if merged == found else "update", merged)
