"""Versions of a file merged by git, in no repository."""

from __future__ import annotations

import tempfile
from pathlib import Path

from generator.clients.git.process import failure, git_process

_MOST_CONFLICTS = 127
"""The status is how many conflicts there are, up to so many; beyond it git could not merge."""


def merges(ours: bytes, common: bytes, theirs: bytes) -> bool:
    """Whether git can merge two versions of a file by itself, given what both come from."""
    return not merge_file(ours, common, theirs)[1]


def merge_file(ours: bytes, common: bytes, theirs: bytes) -> tuple[bytes, bool]:
    """Two versions of a file merged, given what both come from; and whether conflicts are marked in it.

    A file that is no text conflicts as a whole and stays as ``ours``.
    """
    with tempfile.TemporaryDirectory(prefix="newservice-") as folder:
        for name, content in (("ours", ours), ("common", common), ("theirs", theirs)):
            (Path(folder) / name).write_bytes(content)
        labels = [word for label in ("before updating", "last update", "after updating") for word in ("-L", label)]
        command = ("merge-file", "-p", *labels, "ours", "common", "theirs")
        ended = git_process(Path(folder), *command)
        if b"Cannot merge binary" in ended.err:
            return ours, True
        if not 0 <= ended.status <= _MOST_CONFLICTS:
            raise failure(Path(folder), command, ended.without_output)
    return ended.out, ended.status != 0
