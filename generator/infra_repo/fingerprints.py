"""What files hold, by git's own ids: to tell whether they are as newservice made them. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from generator.template.files import File


def blob_id(content: bytes) -> str:
    """The id that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def blob_ids(files: Iterable[File]) -> dict[str, str]:
    """The ids of files by path."""
    return {file.path: blob_id(file.content) for file in files}


def differing(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Paths that are there in one only, or with other content."""
    return sorted(path for path in {*wanted, *found} if wanted.get(path) != found.get(path))


def seal(ids: Mapping[str, str]) -> str:
    """A line for a commit's message that says what newservice put into these files.

    Whoever changes the commit changes what is in it, but not that line: no later template is needed to see it.
    """
    listed = "".join(f"{sha} {path}\n" for path, sha in sorted(ids.items()))
    return f"Content sha256:{hashlib.sha256(listed.encode()).hexdigest()}"


def sealed(message: str, ids: Mapping[str, str]) -> bool:
    """Whether a commit's message says that these files, and no others, are what newservice put into it."""
    return seal(ids) in message.splitlines()
