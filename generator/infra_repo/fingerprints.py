"""What files hold, by git's own ids: to tell whether they are as newservice made them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from generator.template.files import File

EXECUTABLE = "100755"
"""Git's mode of a file that can be run."""

LINK = "120000"
"""Git's mode of a symbolic link, whose content is where it leads."""

SUBMODULE = "160000"
"""Git's mode of a submodule, whose id is that of a commit elsewhere."""


def mode_of(file: File) -> str:
    """Git's mode of a file."""
    return EXECUTABLE if file.executable else "100644"


def blob_id(content: bytes) -> str:
    """The id that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


class Blob(NamedTuple):
    """What a file holds, by git's id, and whether it can be run. A link is not read: its content is where it leads; nor
    is a submodule, which has none."""

    id: str
    executable: bool = False
    link: bool = False
    submodule: bool = False

    @classmethod
    def of(cls, sha: str, mode: str) -> Blob:
        """An entry of a tree by git's id and mode."""
        return cls(sha, mode == EXECUTABLE, mode == LINK, mode == SUBMODULE)


def blobs(files: Iterable[File], prefix: str = "") -> dict[str, Blob]:
    """What files hold, by path below ``prefix``."""
    return {f"{prefix}{file.path}": Blob(blob_id(file.content), file.executable) for file in files}


def differing(wanted: Mapping[str, Blob], found: Mapping[str, Blob]) -> list[str]:
    """Paths that exist in only one of the two, or with different content or mode."""
    return sorted(path for path in {*wanted, *found} if wanted.get(path) != found.get(path))


def seal(files: Mapping[str, Blob]) -> str:
    """A line for a commit's message that says what newservice put into these files.

    Whoever changes the commit changes what is in it, but not that line: no later template is needed to see it.
    """
    listed = "".join(f"{_kind(blob)}{blob.id} {path}\n" for path, blob in sorted(files.items()))
    return f"Content and modes sha256:{hashlib.sha256(listed.encode()).hexdigest()}"


def sealed(message: str, files: Mapping[str, Blob]) -> bool:
    """Whether a commit's message says that these files, and no others, are what newservice put into it."""
    return not {seal(files), _seal_without_modes(files)}.isdisjoint(message.splitlines())


def _seal_without_modes(files: Mapping[str, Blob]) -> str:
    """The line of earlier commits."""
    listed = "".join(f"{blob.id} {path}\n" for path, blob in sorted(files.items()))
    return f"Content sha256:{hashlib.sha256(listed.encode()).hexdigest()}"


def _kind(blob: Blob) -> str:
    return "executable " if blob.executable else ""
