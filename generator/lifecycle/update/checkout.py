"""Carries out an update in a checkout: all of it or nothing, also when it is killed half-way.

The checkout's git folder holds a journal, the previous contents and the new ones until every file is in its place. A
command that finds a journal without a running update rolls the unfinished update back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from generator.base.errors import RefusedError, UsageError
from generator.base.files import write_file
from generator.clients.git import Repository, locked
from generator.engine.commits import Commit
from generator.engine.transition import Transition
from generator.engine.working_tree import WorkingTree
from generator.infra_repo.fingerprints import blob_id
from generator.infra_repo.trees import Tree
from generator.template.files import File

_PLACE = "newservice-update"
_JOURNAL = "journal.json"


@dataclass(frozen=True)
class Place:
    """A tree in a checkout: the repository, and the tree's prefix in it (empty, or with a trailing slash)."""

    repository: Repository
    prefix: str

    @classmethod
    def of(cls, path: Path) -> Place:
        """The tree at a folder. Raises ``UsageError`` if the folder is in no git repository."""
        path = path.resolve()
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
    head = place.repository.head() or ""
    existing = [path for path in _touched(upgrade) if (place.root / path).exists()]
    return [path for path in existing if place.repository.file(head, path) is None]


def _links(place: Place, upgrade: Transition) -> list[str]:
    root = place.root
    return [
        path
        for path in _touched(upgrade)
        if any(part.is_symlink() for part in (root / path, *(root / path).parents) if root in part.parents)
    ]


def carry_out(place: Place, upgrade: Transition) -> None:
    """Write an update's files into the checkout; files in conflict get git's marks and are unmerged for git.

    Raises ``UsageError`` if a file can't be written; everything is restored first.
    """
    marked = {
        item.path: (item.base, _with_bit(item.before, item.after), item.wanted)
        for item in upgrade.files
        if item.action == "conflict"
    }
    staged = WorkingTree(place.root).staged
    executable = {file.path for file in upgrade.written if file.executable}
    contents: dict[str, bytes | None] = {file.path: file.content for file in upgrade.written}
    contents |= dict.fromkeys(upgrade.removed)
    with _journal(place, contents, executable) as drafts:
        for path, draft in drafts.items():
            target = place.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with nullcontext() if staged is None else suppress(PermissionError):  # some file systems refuse it
                draft.chmod(_mode(target, executable=path in executable))
            draft.replace(target)
        for path in upgrade.removed:
            (place.root / path).unlink()
            _prune(place.root, path)
        place.repository.stage_modes(unseen_modes(upgrade, staged))
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


def _mode(target: Path, *, executable: bool) -> int:
    """The permissions of a file to be written: those of the existing one, except for its executable bits."""
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    return mode | (mode & 0o444) >> 2 if executable else mode & ~0o111


def interrupted(repository: Repository) -> bool:
    """Whether an update that was killed left something, which the next one rolls back."""
    return (repository.git_dir / _PLACE / _JOURNAL).is_file()


def take_back(repository: Repository) -> tuple[str, ...]:
    """Roll back what an update that was killed left; returns the paths that were restored.

    A file that someone has changed or committed since stays as it is.
    """
    folder = repository.git_dir / _PLACE
    journal = folder / _JOURNAL
    if not journal.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        return ()
    found = []
    tree, committed = WorkingTree(repository.path), Commit(repository, repository.head() or "")
    for path, begun in json.loads(journal.read_text(encoding="utf-8")).items():
        after = begun["after"], begun.get("executable")
        if _is(tree, path, *after) and not _is(committed, path, *after):
            _put_back(repository.path, path, folder / begun["before"] if begun["before"] else None)
            found.append(path)
    if found:
        repository.reset_index(found)
    shutil.rmtree(folder, ignore_errors=True)
    return tuple(found)


@contextmanager
def _journal(
    place: Place, contents: Mapping[str, bytes | None], executable: Collection[str]
) -> Iterator[dict[str, Path]]:
    """Drafts of the files, in git's folder, to be moved to their places; rolled back on any error."""
    folder = place.repository.git_dir / _PLACE
    drafts: dict[str, Path] = {}
    journal: dict[str, dict[str, str | bool | None]] = {}
    try:
        folder.mkdir()
        for number, (path, content) in enumerate(contents.items()):
            target = place.root / path
            if content is not None:
                drafts[path] = folder / f"{number}.after"
                drafts[path].write_bytes(content)
            if target.exists():
                shutil.copy2(target, folder / f"{number}.before")
            after = None if content is None else blob_id(content)
            before = f"{number}.before" if target.exists() else None
            journal[path] = {"after": after, "before": before, "executable": path in executable}
        write_file(folder / _JOURNAL, json.dumps(journal))
        yield drafts
    except BaseException as error:
        take_back(place.repository)
        if isinstance(error, OSError):
            raise UsageError(
                "files.unwritable",
                f"{error.filename2 or error.filename}: {error.strerror}",
                "nothing was changed; make it writable, then run the same command again",
            ) from error
        raise
    (folder / _JOURNAL).unlink()  # the update is complete
    shutil.rmtree(folder, ignore_errors=True)


def _is(tree: Tree, path: str, id_: str | None, executable: bool | None) -> bool:
    """Whether a tree has this content at a path, with this executable bit where one was noted and can be seen."""
    content = tree.read(path)
    if content is None or blob_id(content) != id_:
        return content is None and id_ is None
    hidden = isinstance(tree, WorkingTree) and tree.staged is not None
    return executable is None or hidden or tree.executable(path) == executable


def _put_back(root: Path, path: str, before: Path | None) -> None:
    target = root / path
    if before is None:
        target.unlink(missing_ok=True)
        _prune(root, path)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    before.replace(target)


def _prune(root: Path, path: str) -> None:
    """Remove folders that a removed file leaves empty, as git does."""
    for folder in (root / path).parents:
        if folder == root or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()
