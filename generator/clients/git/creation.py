"""Creates repositories: atomically, in an existing folder, or temporarily."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from generator.base.contained import Contained
from generator.base.errors import PreflightError, SystemFailure
from generator.base.files import is_private
from generator.clients.git.process import init, trust_own
from generator.clients.git.repository import Repository
from generator.template.files import File

_DRAFT = ".{}.newservice-"


@contextmanager
def scratch_repository(
    place: Path | None = None, branch: str = "", origin: str = "", signing_key: Path | None = None
) -> Iterator[Repository]:
    """An empty bare repository for commits that go elsewhere; it is removed at the end.

    Who commits, and how it is signed without a ``signing_key``, is as in a clone of ``origin`` at ``place``, on
    ``branch``.
    """
    with tempfile.TemporaryDirectory(prefix="newservice-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        init(folder, "--bare")
        repository = Repository(folder, folder, signing_key=signing_key)
        if place:
            repository.ask_in = partial(_standing_in, place, branch, origin)
        try:
            yield repository
        finally:
            repository.close()


def create_repository(
    place: Path, files: Sequence[File], branch: str, message: str, origin: str, signing_key: Path | None = None
) -> None:
    """Create a repository with one commit at ``place``, all or nothing: it is built beside it and moved there.

    ``signing_key`` signs the commit, else the person's git decides. The commit is made where the repository ends up,
    because the place can decide who commits. A run that is killed just before leaves what ``adopt_folder`` completes.
    ``place`` must not exist or be an empty folder. Raises ``SystemFailure`` when the folder can't be written, or when
    another run created it first.
    """
    files = list(files)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _draft(place) as draft, locked(draft):
            write_files(draft, files)
            _begin(draft, branch, origin)
            draft.replace(place)
            try:
                _commit(place, files, message, signing_key)
            except BaseException:
                place.replace(draft)
                raise
    except OSError as error:
        quicker = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
        reason = "another run created it in the meantime" if quicker else f"it can't be written: {error.strerror}"
        raise SystemFailure("service.folder", f"{place}: {reason}", "run the same command again") from error


def adopt_folder(
    place: Path, files: Sequence[File], branch: str, message: str, origin: str, signing_key: Path | None = None
) -> None:
    """Turn a folder with our rendered files into a repository with one commit; ``files`` replace those in the folder.

    Raises ``SystemFailure`` when the folder can't be written, or while another run creates it.
    """
    files = list(files)
    try:
        with locked(place) as free:
            if not free:
                reason = "another run is creating it"
                raise SystemFailure("service.folder", f"{place}: {reason}", "run the same command again")
            _begin(place, branch, origin)
            _remove_drafts(place)
            tree = Contained.at(place)
            write_files(place, (file for file in files if tree.read(file.path) != file.content))
            _commit(place, files, message, signing_key)
    except OSError as error:
        message = f"{place} can't be written: {error.strerror}"
        raise SystemFailure("service.folder", message, "run the same command again") from error


def write_files(folder: Path, files: Iterable[File]) -> None:
    """Write files below ``folder``, creating folders as needed. Raises ``RefusedError`` where a link is in the way."""
    tree = Contained.at(folder)
    for file in files:
        tree.write(file.path, file.content, 0o755 if file.executable else 0o644)


def _begin(folder: Path, branch: str, origin: str) -> None:
    """An empty repository with all that decides who commits in it: its branch, and where it comes from."""
    init(folder, f"--initial-branch={branch}")
    repository = Repository(folder, folder / ".git")
    try:
        repository.name_origin(origin)
    finally:
        repository.close()


def _commit(folder: Path, files: Iterable[File], message: str, signing_key: Path | None) -> None:
    trust_own(folder)
    repository = Repository(folder, folder / ".git", signing_key=signing_key)
    try:
        repository.commit_all(files, message)
    finally:
        repository.close()


@contextmanager
def _standing_in(place: Path, branch: str, origin: str) -> Iterator[Path]:
    """A folder in which git's settings are those at ``place``: that one, or an empty repository beside it."""
    repository = None
    with suppress(PreflightError):  # one that git does not work in says nothing
        repository = Repository.open(place)
    if repository is not None:
        repository.close()
        yield place
        return
    beside = next((folder for folder in place.absolute().parents if os.access(folder, os.W_OK)), None)
    with tempfile.TemporaryDirectory(prefix=".newservice-", dir=beside, ignore_cleanup_errors=True) as name:
        folder = Path(name) / place.name
        folder.mkdir()
        _begin(folder, branch, origin)
        yield folder


@contextmanager
def _draft(place: Path) -> Iterator[Path]:
    """A private folder beside ``place``; those left behind by killed runs are removed."""
    _remove_drafts(place)
    prefix = _DRAFT.format(place.name)
    with (
        tempfile.TemporaryDirectory(prefix=prefix, dir=place.parent, ignore_cleanup_errors=True) as folder,
        locked(Path(folder)),
    ):
        draft = Path(folder) / place.name
        draft.mkdir()
        yield draft


def _remove_drafts(place: Path) -> None:
    """Remove the private folders that killed runs have left beside ``place``."""
    for stale in place.parent.glob(f"{_DRAFT.format(glob.escape(place.name))}*"):
        with locked(stale) as free:
            if free and is_private(stale):
                shutil.rmtree(stale, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold a folder's lock while a run works in it; yields whether it was free. The lock ends with its process."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except OSError:
        free = False
    try:
        yield free
    finally:
        os.close(handle)
