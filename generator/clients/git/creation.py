"""Creates repositories: atomically, in an existing folder, or temporarily."""

from __future__ import annotations

import errno
import fcntl
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
from generator.clients.git.authors import author_in
from generator.clients.git.process import isolated_environment, run_git, trust_own
from generator.clients.git.repository import Repository
from generator.template.files import File

# Hooks would come from a template, and what else a person prefers for new repositories (object format, storage of
# references, branch) is not what the forge has.
_INIT = ("init", "--quiet", "--template=", "--object-format=sha1")


@contextmanager
def scratch_repository(place: Path | None = None, branch: str = "", origin: str = "") -> Iterator[Repository]:
    """An empty bare repository for commits that go elsewhere; it is removed at the end.

    Who commits is who would commit in a clone of ``origin`` at ``place``, on ``branch``.
    """
    with tempfile.TemporaryDirectory(prefix="newservice-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _init(folder, "--bare")
        author = partial(_author_at, place, branch, origin) if place else None
        repository = Repository(folder, folder, author=author)
        try:
            yield repository
        finally:
            repository.close()


def create_repository(place: Path, files: Sequence[File], branch: str, message: str, origin: str) -> None:
    """Create a repository with one commit at ``place``, all or nothing: it is built beside it and moved there.

    The commit is made where the repository ends up, because the place can decide who commits. A run that is killed
    just before leaves what ``adopt_folder`` completes. ``place`` must not exist or be an empty folder. Raises
    ``SystemFailure`` when the folder can't be written, or when another run created it first.
    """
    files = list(files)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _draft(place) as draft, locked(draft):
            write_files(draft, files)
            _begin(draft, branch, origin)
            draft.replace(place)
            try:
                _commit(place, files, message)
            except BaseException:
                place.replace(draft)
                raise
    except OSError as error:
        quicker = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
        reason = "another run created it in the meantime" if quicker else f"it can't be written: {error.strerror}"
        raise SystemFailure("service.folder", f"{place}: {reason}", "run the same command again") from error


def adopt_folder(place: Path, files: Sequence[File], branch: str, message: str, origin: str) -> None:
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
            write_files(place, files)
            _commit(place, files, message)
    except OSError as error:
        message = f"{place} can't be written: {error.strerror}"
        raise SystemFailure("service.folder", message, "run the same command again") from error


def write_files(folder: Path, files: Iterable[File]) -> None:
    """Write files below ``folder``, creating folders as needed. Raises ``RefusedError`` where a link is in the way."""
    tree = Contained.at(folder)
    for file in files:
        tree.write(file.path, file.content, 0o755 if file.executable else 0o644)


def _init(folder: Path, *options: str) -> None:
    run_git(folder, *_INIT, *options, environment=isolated_environment({}))
    trust_own(folder)


def _begin(folder: Path, branch: str, origin: str) -> None:
    """An empty repository with all that decides who commits in it: its branch, and where it comes from."""
    _init(folder, f"--initial-branch={branch}")
    repository = Repository(folder, folder / ".git")
    try:
        repository.name_origin(origin)
    finally:
        repository.close()


def _commit(folder: Path, files: Iterable[File], message: str) -> None:
    trust_own(folder)
    repository = Repository(folder, folder / ".git")
    try:
        repository.commit_all(files, message)
    finally:
        repository.close()


def _author_at(place: Path, branch: str, origin: str) -> dict[str, str]:
    """The variables that name who commits at ``place``: asked there, or in an empty repository beside it."""
    with suppress(PreflightError):  # one that git does not work in says nothing
        repository = Repository.open(place)
        if repository is not None:
            repository.close()
            return repository.author()
    beside = next((folder for folder in place.absolute().parents if os.access(folder, os.W_OK)), None)
    with tempfile.TemporaryDirectory(prefix=".newservice-", dir=beside, ignore_cleanup_errors=True) as name:
        folder = Path(name) / place.name
        folder.mkdir()
        _begin(folder, branch, origin)
        return author_in(folder)


@contextmanager
def _draft(place: Path) -> Iterator[Path]:
    """A private folder beside ``place``; those left behind by killed runs are removed."""
    prefix = f".{place.name}.newservice-"
    for stale in place.parent.glob(f"{prefix}*"):
        with locked(stale) as free:
            if free and is_private(stale):
                shutil.rmtree(stale, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix=prefix, dir=place.parent, ignore_cleanup_errors=True) as folder,
        locked(Path(folder)),
    ):
        draft = Path(folder) / place.name
        draft.mkdir()
        yield draft


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
