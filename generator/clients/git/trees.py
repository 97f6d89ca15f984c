"""Computes git trees with some files changed. Only the folders that change are read and written, however many files
the repository has; an index would list them all. Pure."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping

from generator.base.contained import A_FILE, A_FOLDER, A_SUBMODULE, Obstacle, check_plain, link_at
from generator.infra_repo.fingerprints import LINK, SUBMODULE

FOLDER = "40000"
"""The mode of a folder."""

_ENTRY = re.compile(rb"(\d+) ([^\0]+)\0", re.DOTALL)
_ID_BYTES = 20  # of sha1: other repositories are refused

Entry = tuple[str, str]
"""The mode and the id of a tree's entry."""


def entries_of(content: bytes, id_bytes: int = _ID_BYTES) -> Iterator[tuple[bytes, Entry]]:
    """The entries of a tree object, with their names; old programs wrote modes with a leading zero."""
    at = 0
    while found := _ENTRY.match(content, at):
        at = found.end() + id_bytes
        yield found[2], (found[1].decode().lstrip("0"), content[found.end() : at].hex())


def id_of(content: bytes) -> str:
    """The id of a tree object."""
    return hashlib.sha1(b"tree %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def folders_of(paths: Iterable[str]) -> list[str]:
    """Every folder above these paths, the root (an empty name) first."""
    found = [""]
    for path in paths:
        parts = path.split("/")
        found += ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    return list(dict.fromkeys(found))


def changed(before: Mapping[str, bytes], files: Mapping[str, Entry | None]) -> tuple[str, dict[str, bytes]]:
    """A tree with some files changed: its id, and the tree objects that have to be written, by id.

    ``before``: the content of each folder above a changed file, as far as it exists. ``files``: mode and id by path,
    None for a removed file. Raises ``KeyError`` with a folder's id if ``before`` lacks one that exists, and
    ``RefusedError`` for a path that is none, and for one at or below what is of another kind: a symbolic link, a
    submodule, a folder in the place of a file, or a file in the place of a folder. None of them is ever replaced,
    unless the same change removes it.
    """
    for path in files:
        check_plain(path)
    change = _Change(before, files)
    return change.folder("") or change.keep(b""), change.objects


class _Change:
    """``objects`` are the trees that have to be written, by id."""

    def __init__(self, before: Mapping[str, bytes], files: Mapping[str, Entry | None]) -> None:
        self._before = before
        self._files = files
        self._below: dict[str, dict[bytes, str]] = {"": {}}
        for path in (*files, *filter(None, folders_of(files))):
            folder, _, name = path.rpartition("/")
            self._below.setdefault(folder, {})[os.fsencode(name)] = path
        self.objects: dict[str, bytes] = {}

    def folder(self, folder: str) -> str | None:
        """Id of a folder's new tree; None if it has become empty."""
        entries = dict(entries_of(self._before.get(folder, b"")))
        for name, path in self._below[folder].items():
            present = entries.get(name)
            if present is not None and present[0] == LINK:
                raise link_at(path).error
            entry = self._entry(path, present)
            if entry is None:
                entries.pop(name, None)
            else:
                entries[name] = entry
        ordered = sorted(entries.items(), key=lambda item: item[0] + b"/" * (item[1][0] == FOLDER))
        lines = (b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(sha)) for name, (mode, sha) in ordered)
        return self.keep(b"".join(lines)) if ordered else None

    def keep(self, content: bytes) -> str:
        """Add a tree object to those that have to be written; returns its id."""
        sha = id_of(content)
        self.objects[sha] = content
        return sha

    def _entry(self, path: str, present: Entry | None) -> Entry | None:
        """The new entry at a path that changes, or below which something changes."""
        wanted = self._files.get(path)
        is_folder = present is not None and present[0] == FOLDER
        if wanted is not None and not is_folder:
            if present is not None and present[0] == SUBMODULE:
                raise Obstacle(path, A_SUBMODULE).error
            return wanted
        if path not in self._below:
            if wanted is not None:
                raise Obstacle(path, A_FOLDER).error
            return present if is_folder else None
        if present is not None and is_folder and path not in self._before:
            raise KeyError(present[1])
        made = self.folder(path)
        if made is None:
            return wanted if is_folder else present
        if wanted is not None:
            raise Obstacle(path, A_FOLDER).error
        if present is not None and not is_folder and path not in self._files:
            raise Obstacle(path, A_SUBMODULE if present[0] == SUBMODULE else A_FILE).error
        return FOLDER, made
