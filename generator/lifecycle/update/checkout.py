"""Carries out an update in a checkout: all of it or nothing, also when it is killed half-way.

Until every file is in its place, the checkout's git folder holds a journal (``generator.lifecycle.update.journal``). An
update that finds one without a running update rolls the unfinished one back; what only looks reports it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from generator.base.errors import RefusedError, UsageError
from generator.clients.git import Repository, locked
from generator.engine.transition import Transition
from generator.engine.working_tree import WorkingTree
from generator.infra_repo.attributes import refuse_filtered
from generator.lifecycle.update.journal import journal
from generator.template.files import File


@dataclass(frozen=True)
class Place:
    """A tree in a checkout: the repository, and the tree's prefix in it (empty, or with a trailing slash)."""

    repository: Repository
    prefix: str

    @classmethod
    def of(cls, path: Path) -> Place:
        """The tree at a folder. Raises ``UsageError`` if the folder is in no git repository."""
        path = Path(os.path.realpath(path))
        found = Repository.around(path) if path.is_dir() else None
        if found is None:
            raise UsageError(
                "update.no_repository",
                f"{path} is in no git repository: an update could not be rolled back there",
                "name a clone of a service's repository, or a stack's folder in a clone of the infra repository",
            )
        below = path.relative_to(found.path.resolve()).as_posix()
        return cls(found, "" if below == "." else f"{below}/")

    @property
    def root(self) -> Path:
        """The repository's working tree."""
        return self.repository.path

    @property
    def tree(self) -> WorkingTree:
        """The files of the working tree."""
        return WorkingTree.behind(self.root)


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Hold the lock for updates of this checkout. Raises ``RefusedError`` while another one is under way."""
    with locked(place.repository.git_dir) as free:
        if not free:
            raise RefusedError(
                "update.under_way",
                f"another update is under way in {place.root}",
                "wait until it has ended, then run the same command again",
            )
        yield


def check_clean(place: Place, upgrade: Transition | None = None) -> None:
    """Raise ``RefusedError`` if anything that an update reads or touches is not as committed, or not a regular file."""
    shared = {entry.path for entry in upgrade.entries} if upgrade else set()
    paths = [place.prefix or ".", *sorted(shared)]
    dirty = place.repository.dirty(paths) or (_in_the_way(place, upgrade) if upgrade else [])
    if dirty:
        raise RefusedError(
            "update.dirty",
            f"{place.root} has changes that are not committed: {_listed(dirty)}",
            "commit or stash them, then run the same command again",
        )
    refuse_filtered(place.repository.filtered(_touched(upgrade) if upgrade else ()), str(place.root))
    hidden = place.repository.hidden(paths)
    if hidden:
        raise RefusedError(
            "update.hidden",
            f"git ignores changes of {_listed(hidden)} in {place.root}: a sparse checkout, or assumed unchanged",
            "run the update in a whole clone",
        )
    links = _links(place, upgrade) if upgrade else []
    if links:
        raise RefusedError(
            "update.link",
            f"{_listed(links)} in {place.root} is a symbolic link or lies below one",
            "put a file in its place, or do by hand there what newservice update --check --diff shows",
        )


def _listed(paths: list[str]) -> str:
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _touched(upgrade: Transition) -> list[str]:
    return [*(file.path for file in upgrade.written), *upgrade.removed]


def _in_the_way(place: Place, upgrade: Transition) -> list[str]:
    """Files to be written that exist without being committed: ignored ones, which git does not report."""
    head, tree = place.repository.head() or "", place.tree
    existing = [path for path in _touched(upgrade) if tree.read(path) is not None]
    return [path for path in existing if place.repository.file(head, path) is None]


def _links(place: Place, upgrade: Transition) -> list[str]:
    """What is in the way of an update: links, and other entries that are no files."""
    blocked = (item.blocked for item in upgrade.files)
    refused = (place.tree.obstacle(item.path) for item in upgrade.entries if item.action == "refuse")
    touched = (place.tree.obstacle(path) for path in _touched(upgrade))
    found = [item.path for item in (*blocked, *refused, *touched) if item]
    return list(dict.fromkeys(found))


def carry_out(place: Place, upgrade: Transition) -> None:
    """Write an update's files into the checkout; files in conflict get git's marks and are unmerged for git.

    Raises ``UsageError`` if a file can't be written; everything is restored first.
    """
    marked = {
        item.path: (item.base, _with_bit(item.before, item.after), item.wanted)
        for item in upgrade.files
        if item.action == "conflict"
    }
    tree = place.tree
    executable = {file.path for file in upgrade.written if file.executable}
    contents: dict[str, bytes | None] = {file.path: file.content for file in upgrade.written}
    contents |= dict.fromkeys(upgrade.removed)
    with journal(place.repository, contents, executable) as drafts:
        for path, draft in drafts.items():
            with nullcontext() if tree.staged is None else suppress(PermissionError):  # some file systems refuse it
                draft.chmod(_mode(tree.mode(path), executable=path in executable))
            tree.move_in(draft, path)
        for path in upgrade.removed:
            tree.remove(path)
            tree.prune(path)
        place.repository.stage_modes(unseen_modes(upgrade, tree.staged))
        if marked:
            place.repository.mark_unmerged(marked)


def unseen_modes(upgrade: Transition, staged: frozenset[str] | None) -> dict[str, bool]:
    """The executable bits of an update that only the index can hold: ``WorkingTree.staged`` are those there now."""
    if staged is None:
        return {}
    conflicts = {*upgrade.conflicts}
    files = (file for file in upgrade.written if file.path not in conflicts)
    return {file.path: file.executable for file in files if file.executable != (file.path in staged)}


def _with_bit(ours: File | None, merged: File | None) -> File | None:
    """Our version with the merged bit, which git takes from there once the conflict is resolved."""
    return replace(ours, executable=merged.executable) if ours and merged else ours


def _mode(mode: int | None, *, executable: bool) -> int:
    """The permissions of a file to be written: those of the existing one, except for its executable bits."""
    mode = 0o644 if mode is None else mode & 0o777
    return mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
