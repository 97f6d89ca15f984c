"""Where files are read from: a folder or what is at hand. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable


class Tree(Protocol):
    """A tree of files."""

    def read(self, path: str) -> bytes | None:
        """Content of the file at a POSIX path, or None where there is no file."""

    def executable(self, path: str) -> bool:
        """Whether the file at a POSIX path can be run."""


@runtime_checkable
class Listing(Tree, Protocol):
    """A tree whose files can be listed."""

    def paths(self, folder: str) -> list[str]:
        """POSIX paths of all files below a folder."""


@dataclass(frozen=True)
class Nothing:
    """A tree without files."""

    def read(self, path: str) -> bytes | None:  # noqa: ARG002
        """Nothing."""
        return None

    def executable(self, path: str) -> bool:  # noqa: ARG002
        """Nothing can be run."""
        return False


@dataclass(frozen=True)
class Files:
    """Plain files whose contents are at hand, by path."""

    contents: Mapping[str, bytes]

    def read(self, path: str) -> bytes | None:
        """Content of a file that is at hand."""
        return self.contents.get(path)

    def executable(self, path: str) -> bool:  # noqa: ARG002
        """None of them can be run."""
        return False


@dataclass(frozen=True)
class Folder:
    """Files below a folder of this machine."""

    root: Path

    def read(self, path: str) -> bytes | None:
        """Content of a file below the folder."""
        target = self.root / path
        return target.read_bytes() if target.is_file() else None

    def executable(self, path: str) -> bool:
        """Whether its owner may run a file below the folder."""
        target = self.root / path
        return target.is_file() and bool(target.stat().st_mode & 0o100)

    def paths(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        files = (path for path in (self.root / folder).rglob("*") if path.is_file())
        return sorted(path.relative_to(self.root).as_posix() for path in files)


class Blobs(Protocol):
    """Contents by git's ids: a clone, or files that were rendered."""

    def blob(self, sha: str) -> bytes | None:
        """The content, or None where it is not here."""


@dataclass(frozen=True)
class Contents:
    """Contents of files that are at hand."""

    by_id: Mapping[str, bytes]

    def blob(self, sha: str) -> bytes | None:
        """The content with this id."""
        return self.by_id.get(sha)
