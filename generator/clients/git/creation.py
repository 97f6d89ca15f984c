"""Creates repositories: atomically, in an existing folder, or temporarily."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from generator.base.errors import SystemFailure
from generator.clients.git.process import run_git
from generator.clients.git.repository import Repository
from generator.template.files import File

# An empty template, because the user's own may contain hooks; and sha1 ids as in the forge's repositories, whatever
# object format the user's configuration prefers.
_INIT = ("init", "--quiet", "--template=", "--object-format=sha1")


@contextmanager
def scratch_repository(signing_key: Path | None = None) -> Iterator[Repository]:
    """An empty bare repository for commits that go elsewhere; it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="newservice-", ignore_cleanup_errors=True) as folder:
        run_git(Path(folder), *_INIT, "--bare")
        repository = Repository(Path(folder), Path(folder))
        repository.signing_key = signing_key
        try:
            yield repository
        finally:
            repository.close()


def create_repository(
    place: Path, files: Iterable[File], branch: str, message: str, origin: str, signing_key: Path | None = None
) -> None:
    """Create a repository with one commit at ``place``, atomically: it is built beside it and moved there.

    ``signing_key`` signs the commit, else the person's git decides.

    ``place`` must not exist or be an empty folder. Raises ``SystemFailure`` when the folder can't be written, or
    when another run created it first.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _draft(place) as draft:
            write_files(draft, files)
            _commit(draft, branch, message, origin, signing_key)
            draft.replace(place)
    except OSError as error:
        quicker = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
        reason = "another run created it in the meantime" if quicker else f"it can't be written: {error.strerror}"
        raise SystemFailure("service.folder", f"{place}: {reason}", "run the same command again") from error


def adopt_folder(
    place: Path, files: Iterable[File], branch: str, message: str, origin: str, signing_key: Path | None = None
) -> None:
    """Turn a folder with our rendered files into a repository with one commit; ``files`` replace those in the folder.

    Raises ``SystemFailure`` when the folder can't be written.
    """
    try:
        write_files(place, files)
        _commit(place, branch, message, origin, signing_key)
    except OSError as error:
        message = f"{place} can't be written: {error.strerror}"
        raise SystemFailure("service.folder", message, "run the same command again") from error


def write_files(folder: Path, files: Iterable[File]) -> None:
    """Write files below ``folder``, creating folders as needed."""
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(0o755 if file.executable else 0o644)


def _commit(folder: Path, branch: str, message: str, origin: str, signing_key: Path | None) -> None:
    run_git(folder, *_INIT, f"--initial-branch={branch}")
    repository = Repository(folder, folder / ".git")
    repository.signing_key = signing_key
    try:
        repository.commit_all(message)
        repository.name_origin(origin)
    finally:
        repository.close()


@contextmanager
def _draft(place: Path) -> Iterator[Path]:
    """A private folder beside ``place``; those left behind by killed runs are removed."""
    prefix = f".{place.name}.newservice-"
    for stale in place.parent.glob(f"{prefix}*"):
        with locked(stale) as free:
            if free:
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
