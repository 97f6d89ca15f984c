"""Merges versions of a file with git, outside any repository."""

from __future__ import annotations

import tempfile
from pathlib import Path

from generator.clients.git.process import failure, git_process

_MOST_CONFLICTS = 127
"""The exit status is the number of conflicts, up to this limit; beyond it, git could not merge."""


def merges(ours: bytes, common: bytes, theirs: bytes) -> bool:
    """Whether git can merge two versions of a file without conflicts, given their common ancestor."""
    return not merge_file(ours, common, theirs)[1]


def merge_file(ours: bytes, common: bytes, theirs: bytes) -> tuple[bytes, bool]:
    """Two versions of a file merged, given their common ancestor; and whether the result contains conflicts.

    A binary file conflicts as a whole and stays as ``ours``.
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
