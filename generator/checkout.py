"""Carries an update out in a checkout: all of it or nothing, also when it is killed half-way.

What is written first is a journal in git's own folder of the checkout. Whoever finds one there takes the unfinished
update back: only files that were clean are ever touched, so git's last commit has what was there before.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from generator.clients.git import Repository
from generator.content import blob_id
from generator.errors import RefusedError, UsageError
from generator.upgrade import Upgrade

_PLACE = "newservice-update"
_JOURNAL = "journal.json"


@dataclass(frozen=True)
class Place:
    """A tree in a checkout: the repository, and the tree's prefix in it (empty, or with a trailing slash)."""

    repository: Repository
    prefix: str

    @classmethod
    def of(cls, path: Path) -> Place:
        """The tree at a folder. Raises ``UsageError`` where that is in no git repository."""
        found = Repository.around(path) if path.is_dir() else None
        if found is None:
            raise UsageError(
                "update.no_repository",
                f"{path} is in no git repository: an update could not be taken back there",
                "name a clone of a service's repository, or a stack's folder in a clone of the infra repository",
            )
        below = path.resolve().relative_to(found.path.resolve()).as_posix()
        return cls(found, "" if below == "." else f"{below}/")

    @property
    def root(self) -> Path:
        """The repository's working tree."""
        return self.repository.path


def check_clean(place: Place, upgrade: Upgrade | None = None) -> None:
    """Raise ``RefusedError`` where what an update touches has changes that are not committed."""
    shared = upgrade.shared if upgrade else ()
    dirty = place.repository.dirty([place.prefix or ".", *shared])
    if dirty:
        listed = ", ".join(dirty[:5]) + (f" and {len(dirty) - 5} more" if len(dirty) > 5 else "")
        raise RefusedError(
            "update.dirty",
            f"{place.root} has changes that are not committed: {listed}",
            "commit or stash them, then run the same command again",
        )


def carry_out(place: Place, upgrade: Upgrade) -> None:
    """Write an update's files into the checkout; files in conflict get git's marks and are unmerged for git.

    Raises ``UsageError`` when a file can't be written; everything is put back then.
    """
    marked = {item.path: (item.base, item.before, item.wanted) for item in upgrade.files if item.action == "conflict"}
    contents = {file.path: file.content for file in upgrade.written}
    executable = {file.path for file in upgrade.written if file.executable}
    with _journal(place, [*contents, *upgrade.removed], contents) as drafts:
        for path, draft in drafts.items():
            target = place.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o755 if path in executable else 0o644
            draft.chmod(mode)
            draft.replace(target)
        for path in upgrade.removed:
            (place.root / path).unlink()
            _prune(place, path)
        if marked:
            place.repository.mark_unmerged(marked)


def take_back(repository: Repository) -> tuple[str, ...]:
    """Take back what an update that was killed has left; the paths that were put back.

    A file that somebody has changed since stays as it is.
    """
    folder = repository.git_dir / _PLACE
    journal = folder / _JOURNAL
    if not journal.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        return ()
    begun = json.loads(journal.read_text(encoding="utf-8"))
    found = tuple(path for path, blob in begun["files"].items() if _written(repository.path / path) == blob)
    for path in found:
        _restore(repository, begun["head"], path)
    repository.reset_index(begun["files"])
    shutil.rmtree(folder, ignore_errors=True)
    return found


@contextmanager
def _journal(place: Place, paths: Iterable[str], contents: dict[str, bytes]) -> Iterator[dict[str, Path]]:
    """Drafts of the files, in git's folder, to be moved to their places; taken back unless all goes well."""
    folder = place.repository.git_dir / _PLACE
    try:
        folder.mkdir()
        drafts = {path: folder / str(number) for number, path in enumerate(contents)}
        for path, draft in drafts.items():
            draft.write_bytes(contents[path])
        files = {path: blob_id(contents[path]) if path in contents else None for path in paths}
        _keep(folder / _JOURNAL, {"head": place.repository.head(), "files": files})
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
    (folder / _JOURNAL).unlink()  # from here on it is done
    shutil.rmtree(folder, ignore_errors=True)


def _keep(journal: Path, content: object) -> None:
    draft = journal.with_suffix(".new")
    with draft.open("w", encoding="utf-8") as stream:
        json.dump(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(journal)


def _written(target: Path) -> str | None:
    return blob_id(target.read_bytes()) if target.is_file() else None


def _restore(repository: Repository, head: str, path: str) -> None:
    target, content = repository.path / path, repository.file(head, path)
    if content is None:
        target.unlink(missing_ok=True)
        return
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o755 if repository.executable(head, path) else 0o644
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = repository.git_dir / _PLACE / "restored"
    draft.write_bytes(content)
    draft.chmod(mode)
    draft.replace(target)


def _prune(place: Place, path: str) -> None:
    """Take away folders that a removed file leaves empty, as git does."""
    for folder in (place.root / path).parents:
        if folder == place.root or any(folder.iterdir()):
            return
        folder.rmdir()
