"""The journal of an update in a checkout's git folder: the previous contents and the new ones, until all are in place.

A journal that is read back is input like any other: whoever can write into the git folder could have made it. It is
checked as a whole before a file is touched, and only a command that writes rolls anything back.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.base.contained import is_plain
from generator.base.errors import RefusedError, UsageError
from generator.base.external import ExternalTextError, read_json
from generator.base.files import is_private, read_private, write_file
from generator.clients.git import Repository
from generator.engine.commits import Commit
from generator.engine.working_tree import WorkingTree
from generator.infra_repo.fingerprints import blob_id
from generator.infra_repo.trees import Tree

_PLACE = "newservice-update"
_JOURNAL = "journal.json"

_MOST_BYTES = 4_000_000
_MOST_FILES = 10_000
_MOST_CONTENT = 64_000_000
"""More than any update leaves."""

_BEFORE = re.compile(r"\d{1,5}\.before")
_ID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class _Entry:
    """One file of an update: the id of its new content and its previous content; None for no file.

    ``executable``: the new bit, where the journal holds it.
    """

    path: str
    after: str | None
    executable: bool | None
    before: bytes | None
    mode: int = 0o644


def refuse_interrupted(repository: Repository, path: Path | str) -> None:
    """Raise ``RefusedError`` if an update that was killed left something, which the next update rolls back.

    ``path`` is what that update is called with. Nothing is read and nothing is changed.
    """
    if os.path.lexists(repository.git_dir / _PLACE / _JOURNAL):
        raise RefusedError(
            "update.interrupted",
            f"an update was interrupted in {repository.path}: some of its files are not what they were",
            f"{shlex.join(['newservice', 'update', str(path)])} restores them first; what only looks changes nothing",
        )


def take_back(repository: Repository) -> tuple[str, ...]:
    """Roll back what an update that was killed left; returns the paths that were restored.

    A file that someone has changed or committed since stays as it is. Raises ``RefusedError``, and changes nothing,
    where the journal is not one that newservice wrote for this person.
    """
    folder = repository.git_dir / _PLACE
    if not os.path.lexists(folder / _JOURNAL):
        _clear(folder)
        return ()
    tree = WorkingTree.behind(repository.path)
    left = [entry for entry in _entries(folder, tree) if _is(tree, entry)]
    committed = _committed(repository, left)
    restored = [entry for entry in left if entry.path not in committed]
    for entry in restored:
        if entry.before is None:
            tree.remove(entry.path)
            tree.prune(entry.path)
        else:
            tree.write(entry.path, entry.before, entry.mode)
    if restored:
        repository.reset_index([entry.path for entry in restored])
    _clear(folder)
    return tuple(entry.path for entry in restored)


@contextmanager
def journal(
    repository: Repository, contents: Mapping[str, bytes | None], executable: Collection[str]
) -> Iterator[dict[str, Path]]:
    """Drafts of the files, in git's folder, to be moved to their places; rolled back on any error.

    ``contents`` by path; None for a file to be removed. ``executable`` are the paths with that bit. Raises
    ``UsageError`` where something can't be written.
    """
    folder, tree = repository.git_dir / _PLACE, WorkingTree.behind(repository.path)
    drafts: dict[str, Path] = {}
    written: dict[str, dict[str, str | int | bool | None]] = {}
    try:
        folder.mkdir(mode=0o700)
        for number, (path, content) in enumerate(contents.items()):
            if content is not None:
                drafts[path] = folder / f"{number}.after"
                write_file(drafts[path], content, durable=False)
            after = None if content is None else blob_id(content)
            written[path] = {"after": after, "before": None, "executable": path in executable}
            before = tree.read(path)
            if before is not None:
                write_file(folder / f"{number}.before", before, durable=False)
                written[path] |= {"before": f"{number}.before", "mode": (tree.mode(path) or 0o644) & 0o777}
        write_file(folder / _JOURNAL, json.dumps(written))
        yield drafts
    except BaseException as error:
        take_back(repository)
        if isinstance(error, OSError):
            raise UsageError(
                "files.unwritable",
                f"{error.filename2 or error.filename}: {error.strerror}",
                "nothing was changed; make it writable, then run the same command again",
            ) from error
        raise
    (folder / _JOURNAL).unlink()  # the update is complete
    _clear(folder)


def _clear(folder: Path) -> None:
    """Remove what an update left. Raises ``RefusedError`` for what it can't have left."""
    if os.path.lexists(folder):
        if not stat.S_ISDIR(folder.lstat().st_mode) or not is_private(folder):
            raise _refused(folder, "others can write there, or it is no folder")
        shutil.rmtree(folder, ignore_errors=True)


def _is(tree: WorkingTree, entry: _Entry) -> bool:
    """Whether a file is as the update left it, with its bit where one was noted and can be seen."""
    content = tree.read(entry.path)
    if content is None or blob_id(content) != entry.after:
        return content is None and entry.after is None
    hidden = tree.staged is not None
    return entry.executable is None or hidden or tree.executable(entry.path) == entry.executable


def _committed(repository: Repository, entries: Iterable[_Entry]) -> set[str]:
    """The files that are committed as they are here. Git compares: it may store other line endings than a file has."""
    head = Commit(repository, repository.head() or "")
    found = {entry.path for entry in entries if (head.read(entry.path) is None) == (entry.after is None)}
    return found.difference(repository.dirty(found))


def _entries(folder: Path, tree: Tree) -> list[_Entry]:
    """What a journal names, all of it checked. Raises ``RefusedError``."""
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode) or not is_private(folder):
            raise _refused(folder, "others can write there, or it is no folder")
        content = read_private(folder / _JOURNAL, _MOST_BYTES)
        if content is None:
            raise _refused(folder, "others can write it, or it is no file of that size")
        document = read_json(content)
    except OSError as error:
        raise _refused(folder, error.strerror or "it can't be read") from error
    except ExternalTextError as error:
        raise _refused(folder, "it is not valid JSON") from error
    if not isinstance(document, dict) or len(document) > _MOST_FILES:
        raise _refused(folder, "it is no list of files")
    return [_entry(folder, tree, path, begun) for path, begun in document.items()]


def _entry(folder: Path, tree: Tree, path: str, begun: Any) -> _Entry:
    if not is_plain(path):
        raise _refused(folder, f"{path[:80]!r} is no path of a file in this repository")
    if obstacle := tree.obstacle(path):
        raise _refused(folder, f"{obstacle.path} is {obstacle.kind}")
    after, before, executable = _state(folder, path, begun)
    if before is None:
        return _Entry(path, after, executable, None)
    if not (isinstance(before, str) and _BEFORE.fullmatch(before)):
        raise _refused(folder, f"the previous content of {path} is not in its folder")
    try:
        content, mode = read_private(folder / before, _MOST_CONTENT), (folder / before).lstat().st_mode & 0o777
    except OSError as error:
        raise _refused(folder, f"{before}: {error.strerror}") from error
    if content is None:
        raise _refused(folder, f"others can write {before}, or it is no file of that size")
    mode = begun.get("mode", mode)  # earlier versions kept it with the file
    if type(mode) is not int or not 0 <= mode <= 0o777:
        raise _refused(folder, f"the permissions of {path} are none")
    return _Entry(path, after, executable, content, mode)


def _state(folder: Path, path: str, begun: Any) -> tuple[str | None, Any, bool | None]:
    """The id, the file with the previous content and the executable bit that a journal names for a path."""
    if not isinstance(begun, dict) or set(begun) - {"mode", "executable"} != {"after", "before"}:
        raise _refused(folder, f"what it says of {path} is not complete")
    after, executable = begun["after"], begun.get("executable")
    if type(executable) not in (bool, type(None)):
        raise _refused(folder, f"the executable bit of {path} is none")
    if after is not None and not (isinstance(after, str) and _ID.fullmatch(after)):
        raise _refused(folder, f"the id of {path} is none")
    return after, begun["before"], executable


def _refused(folder: Path, reason: str) -> RefusedError:
    return RefusedError(
        "update.journal",
        f"{folder / _JOURNAL} is not what an update of newservice left: {reason}",
        f"nothing was changed. See git status; once the files are as they should be, remove {folder}",
    )
