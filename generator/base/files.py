"""The one way to write a file, and whether a file is the person's own."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


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
        with os.fdopen(handle, "wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode("utf-8"))
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        draft.chmod(mode)
        if replace:
            draft.replace(path)
        else:
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def is_private(path: Path) -> bool:
    """Whether nobody but this person can have written a file or folder. Raises ``OSError`` where it does not exist."""
    status = path.lstat()
    return not stat.S_ISLNK(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
