"""Reads objects of a repository one by one through a long-running git process."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from generator.base.children import PIPE, Ended, Program, end, start
from generator.base.contained import A_FILE, A_FOLDER, A_SUBMODULE, Obstacle, link_at
from generator.base.errors import SystemFailure, unwritable
from generator.clients.git.process import failure, local_environment, not_started
from generator.clients.git.trees import FOLDER, Entry, entries_of
from generator.infra_repo.fingerprints import LINK, SUBMODULE

LARGEST = 16 << 20
"""Bytes of an object that is read: no file of a service or stack comes near."""

_COMMAND = ("cat-file", "--batch")

_NAMED = re.compile(r"[0-9a-f]{40,64}(?:\^\{tree\})?")
"""A tree by its own id, or by that of its commit."""


@dataclass(frozen=True)
class Object:
    """An object: its id, its kind (commit, tree, blob or tag) and its content."""

    id: str
    kind: str
    content: bytes


class Reader:
    """Reads objects, from any thread. The process starts with the first read, and again after it died.

    A thread that reads after ``close`` gets its answer, and leaves no process behind.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = threading.RLock()  # one process answers all threads
        self._process: Program | None = None
        self._said: IO[bytes] | None = None
        self._owner = 0
        self._closed = False
        self._trees: dict[str, dict[bytes, Entry]] = {}

    def read(self, name: str) -> Object | None:
        """The object that git knows by a name; None if there is none.

        Raises an error with git's message if git can't read it, or if its process dies.
        """
        if "\n" in name:
            return None
        with self._turn:
            try:
                return self._ask(name)
            except (OSError, EOFError):
                raise self._dead(name) from None
            except BaseException:  # the rest of a half-read answer would be taken for the next one
                self._end()
                raise
            finally:
                if self._closed:
                    self._end()

    def file(self, commit: str, path: str) -> Object | None:
        """The file at a path of a commit; None if there is none. Raises ``SystemFailure`` if a part is missing.

        A symbolic link is no file: its content is where it leads.
        """
        mode, name = self._at(commit, path)
        return self._there(name) if mode not in ("", FOLDER, SUBMODULE, LINK) else None

    def obstacle(self, commit: str, path: str) -> Obstacle | None:
        """What is in the way of a file at a path of a commit: a link or a submodule, in its place or on the way; a
        folder in its place; a file on the way."""
        name, parts = f"{commit}^{{tree}}", path.split("/")
        for depth, part in enumerate(parts, 1):
            mode, name = self._entry(name, part)
            at = "/".join(parts[:depth])
            if mode == LINK:
                return link_at(at, self._there(name).content)
            if mode == SUBMODULE:
                return Obstacle(at, A_SUBMODULE)
            if mode and (mode == FOLDER) == (depth == len(parts)):
                return Obstacle(at, A_FOLDER if mode == FOLDER else A_FILE)
            if mode != FOLDER:
                break
        return None

    def mode(self, commit: str, path: str) -> str:
        """Git's mode of the entry at a path of a commit; empty if nothing is there."""
        return self._at(commit, path)[0]

    def _at(self, commit: str, path: str) -> tuple[str, str]:
        """Mode and id of the entry at a path of a commit; empty if nothing is there."""
        name = f"{commit}^{{tree}}"
        *folders, last = path.split("/")
        for folder in folders:
            mode, name = self._entry(name, folder)
            if mode != FOLDER:
                return "", ""
        return self._entry(name, last)

    def close(self) -> None:
        """End the process, for good: what is read later has a process for that one read."""
        with self._turn:
            self._closed = True
            self._end()

    def _end(self) -> None:
        with self._turn:
            process, self._process = self._process, None
            if process is not None and self._owner == os.getpid():
                end(process)
            if self._said is not None:
                self._said.close()
                self._said = None

    def _entry(self, tree: str, wanted: str) -> tuple[str, str]:
        """Mode and id of a tree's entry by name; empty if there is none."""
        names = self._trees.get(tree)
        if names is None:
            found = self._there(tree)
            names = dict(entries_of(found.content, len(found.id) // 2))
            if _NAMED.fullmatch(tree):  # what an id names never changes, and most files are in the same folders
                self._trees[tree] = names
        return names.get(os.fsencode(wanted), ("", ""))

    def _there(self, name: str) -> Object:
        found = self.read(name)
        if found is None:
            raise lost(self._folder, name)
        return found

    def _ask(self, name: str) -> Object | None:
        process = self._opened()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
        process.stdin.write(os.fsencode(name) + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        if line.removeprefix(os.fsencode(name)) in (b" missing\n", b" ambiguous\n"):
            return None
        sha, kind, size = line.decode().split(" ")
        if int(size) > LARGEST:
            self.close()  # it goes on sending
            raise too_large(self._folder, name)
        content = process.stdout.read(int(size) + 1)
        if len(content) != int(size) + 1:
            raise EOFError
        return Object(sha, kind, content[:-1])

    def _opened(self) -> Program:
        """The git process; a forked process starts its own, because two can't share one."""
        if self._process is None or self._owner != os.getpid():
            self._end()
            self._owner = os.getpid()
            try:
                self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process; a pipe could fill up
            except OSError as error:
                raise unwritable(error) from error
            try:
                self._process = start(
                    ["git", *_COMMAND], self._folder, local_environment(), stdin=PIPE, stdout=PIPE, stderr=self._said
                )
            except OSError as error:
                raise not_started(error, self._folder) from error
        return self._process

    def _dead(self, name: str) -> Exception:
        """The error for a git process that died during a request: its output, and how it ended."""
        process, said = self._process, b""
        if process is not None:
            end(process)
        if self._said is not None:
            self._said.seek(0)
            said = self._said.read()
        self._end()
        ended = Ended(process.returncode if process else 0, err=said)
        return failure(self._folder, (*_COMMAND, name), ended)


def too_large(folder: Path, name: str) -> SystemFailure:
    """The error for an object that is too large to be read."""
    return SystemFailure(
        "git.too_large",
        f"{name} of {folder} is larger than {LARGEST >> 20} MiB, which no file of a service or stack is",
        "look at what was committed there, and remove it",
    )


def lost(folder: Path, name: str) -> SystemFailure:
    """The error for an object that a repository should have."""
    return SystemFailure(
        "git.incomplete",
        f"{folder} lacks {name.removesuffix('^{tree}')}: its objects are damaged, or not all of them are here",
        f"see git -C {folder} fsck; where it finds faults, clone the repository again",
    )
