"""Where files are read from: a folder or what is at hand."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from generator.base.contained import A_FILE, A_FOLDER, Contained, Obstacle


class Tree(Protocol):
    """A tree of files."""

    def read(self, path: str) -> bytes | None:
        """Content of the file at a POSIX path, or None where there is no file."""

    def executable(self, path: str) -> bool:
        """Whether the file at a POSIX path can be run."""

    def obstacle(self, path: str) -> Obstacle | None:
        """What is in the way of a file at a POSIX path, such as a symbolic link: nothing is ever written there."""


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

    def obstacle(self, path: str) -> Obstacle | None:  # noqa: ARG002
        """Nothing is in the way."""
        return None


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

    def obstacle(self, path: str) -> Obstacle | None:  # noqa: ARG002
        """Nothing is in the way."""
        return None


class Folder(Contained):
    """Files below a folder of this machine: a repository's working tree, so that links may lead anywhere in it."""


def obstacle_among(
    path: str,
    files: Container[str],
    kept: Callable[[str], Obstacle | None],
    below: Callable[[str], Sequence[str]],
) -> Obstacle | None:
    """What is in the way of writing a file into a commit that has ``files``.

    ``kept`` says which of them are links or submodules, ``below`` which files a folder has.
    """
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        at = "/".join(parts[:depth])
        if at in files and (obstacle := kept(at) or (Obstacle(at, A_FILE) if at != path else None)):
            return obstacle
    return Obstacle(path, A_FOLDER) if path not in files and below(path) else None


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
class Overlaid:
    """A tree with other contents at some paths; None for a file that is gone."""

    below: Listing
    contents: Mapping[str, bytes | None]

    def read(self, path: str) -> bytes | None:
        """Content of a file: the other one where there is any."""
        return self.contents[path] if path in self.contents else self.below.read(path)

    def executable(self, path: str) -> bool:
        """Whether the file below can be run."""
        return self.below.executable(path)

    def obstacle(self, path: str) -> Obstacle | None:
        """What is in the way below."""
        return self.below.obstacle(path)

    def paths(self, folder: str) -> list[str]:
        """Paths of all files below a folder."""
        prefix = f"{folder}/" if folder else ""
        found = {*self.below.paths(folder), *(path for path in self.contents if path.startswith(prefix))}
        return sorted(path for path in found if self.contents.get(path, b"") is not None)
