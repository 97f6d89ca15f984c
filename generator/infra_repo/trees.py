"""Where files are read from: a folder, a commit of a clone, or a commit on the forge. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from generator.clients.forgejo import Forgejo
    from generator.clients.git import Repository


class Tree(Protocol):
    """A tree of files."""

    def read(self, path: str) -> bytes | None:
        """Content of the file at a POSIX path, or None where there is no file."""


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


@dataclass(frozen=True)
class Folder:
    """Files below a folder of this machine."""

    root: Path

    def read(self, path: str) -> bytes | None:
        """Content of a file below the folder."""
        target = self.root / path
        return target.read_bytes() if target.is_file() else None

    def paths(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        files = (path for path in (self.root / folder).rglob("*") if path.is_file())
        return sorted(path.relative_to(self.root).as_posix() for path in files)


@dataclass(frozen=True)
class Commit:
    """Files of a commit in a clone on this machine."""

    repository: Repository
    sha: str

    def read(self, path: str) -> bytes | None:
        """Content of a file in the commit."""
        return self.repository.file(self.sha, path)

    def paths(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        return self.repository.paths(self.sha, folder)


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


@dataclass(frozen=True)
class RemoteCommit:
    """Files of a commit on the forge, for commits that no clone here has.

    ``cache`` has contents by their ids, which spares requests: most files of a commit that is not here are here all
    the same.
    """

    forgejo: Forgejo
    owner: str
    name: str
    sha: str
    cache: Blobs | None = None

    def read(self, path: str) -> bytes | None:
        """Content of a file in the commit, by a request at most."""
        if self.cache is not None:
            blob = self._blobs.get(path)
            if blob is None:
                return None
            content = self.cache.blob(blob)
            if content is not None:
                return content
        return self.forgejo.file(self.owner, self.name, path, self.sha)

    def paths(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        return [path for path in self._blobs if path.startswith(f"{folder.rstrip('/')}/")]

    @cached_property
    def _blobs(self) -> dict[str, str]:
        return self.forgejo.tree(self.owner, self.name, self.sha)
