"""The one way to write a file, and whether a file is the person's own."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
"""How a folder is opened for paths below it: one that can't be listed may still be entered."""


def write_file(
    path: Path, content: str | bytes, mode: int = 0o600, *, replace: bool = True, durable: bool = True
) -> None:
    """Write ``content`` (text as UTF-8) atomically: what exists stays until the new file is complete.

    ``durable``: the new file is on the disk by then; one of many files can spare the milliseconds that this takes.
    Raises ``OSError`` where the write fails, ``FileExistsError`` where ``path`` exists and ``replace`` is false; then
    nothing is left behind.
    """
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}-")  # made with mode 0600
    draft = Path(name)
    try:
        _fill(handle, content, mode, durable=durable)
        if replace:
            draft.replace(path)
        else:
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def put_file(folder: int, name: str, content: bytes, mode: int, *, durable: bool) -> None:
    """The same in a folder of which there is a handle: whatever has the name is replaced, and no link followed."""
    draft = f".{name[:200]}-{secrets.token_hex(8)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        _fill(handle, content, mode, durable=durable)
        os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)
        raise


def _fill(handle: int, content: str | bytes, mode: int, *, durable: bool) -> None:
    with os.fdopen(handle, "wb") as stream:
        stream.write(content if isinstance(content, bytes) else content.encode("utf-8"))
        stream.flush()
        with suppress(PermissionError):  # of one's own file: its file system keeps no permissions
            os.fchmod(stream.fileno(), mode)
        if durable:
            os.fsync(stream.fileno())


def read_private(path: Path, most: int, *, unseen: bool = False) -> bytes | None:
    """Content of a file that this person alone can have written; None for any other, and for one that is too large.

    ``unseen``: nor can anybody else have read it. No link is followed, and nothing but a regular file is opened for
    reading, so this never waits. Raises ``OSError`` where it can't be read, as ``FileNotFoundError`` where it does not
    exist.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or not _is_own(path, status, 0o077 if unseen else 0o022):
            return None
        content = stream.read(most + 1)
    return content if len(content) <= most else None


def is_private(path: Path) -> bool:
    """Whether nobody but this person can have written a file or folder. Raises ``OSError`` where it does not exist."""
    status = path.lstat()
    return not stat.S_ISLNK(status.st_mode) and _is_own(path, status, 0o022)


def _is_own(path: Path, status: os.stat_result, others: int) -> bool:
    """Whether a file is this person's, and ``others`` have none of these permissions."""
    return status.st_uid == os.geteuid() and not (status.st_mode & others and _keeps_permissions(path.parent))


def _keeps_permissions(folder: Path) -> bool:
    """Whether permissions say anything: file systems of Windows and memory cards show the same for every file."""
    with suppress(OSError), tempfile.TemporaryFile(dir=folder) as probe:  # made with mode 0600
        return not os.fstat(probe.fileno()).st_mode & 0o077
    return True
