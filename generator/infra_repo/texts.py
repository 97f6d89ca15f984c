"""Files as text: which can be edited so that every other byte stays, and what the others are. Pure.

The one place that decodes shared files, and files whose differences are shown.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from generator.base.contained import Obstacle
from generator.infra_repo.trees import Tree

BINARY = "is binary"

_SEALED = {
    b"\0GITCRYPT\0": "is encrypted with git-crypt, and locked",
    b"$ANSIBLE_VAULT;": "is encrypted with Ansible Vault",
    b"age-encryption.org/": "is encrypted with age",
    b"-----BEGIN AGE ENCRYPTED FILE-----": "is encrypted with age",
    b"-----BEGIN PGP MESSAGE-----": "is encrypted with PGP",
    b"version https://git-lfs.github.com/spec/": "is a pointer of Git LFS, not the file itself",
}
"""What a file is that begins like this."""

# Longest first: UTF-32's mark begins with UTF-16's.
_WIDE = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_SOPS = re.compile(rb"^\s*[\"']?sops[\"']?\s*[:=]", re.MULTILINE)
_MARK = "\ufeff"


@dataclass(frozen=True)
class Text:
    """A file's text, without the ``mark`` that it may begin with (UTF-8's byte order mark).

    ``problem`` says why it must not be edited; then ``content`` is for looking only, as far as it can be read at all.
    """

    content: str
    mark: str = ""
    problem: str = ""


def read_text(content: bytes) -> Text:
    """A file's content as text. Without a ``problem``, ``mark`` and text encoded as UTF-8 are the same bytes again."""
    for beginning, problem in _SEALED.items():
        if content.startswith(beginning):
            return Text("", problem=problem)
    for wide, name in _WIDE.items():
        if content.startswith(wide):
            return Text(content.decode(name, "replace"), problem=f"is {name}, not UTF-8")
    if b"\0" in content:
        return Text("", problem=f"{BINARY}, or UTF-16 without a byte order mark")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Text(content.decode("latin-1"), problem=f"is not UTF-8 (line {line}): Latin-1, perhaps")
    if b"ENC[AES256_GCM," in content and _SOPS.search(content):
        return Text("", problem="is encrypted with SOPS, whose checksum an edit would break")
    mark = _MARK if text.startswith(_MARK) else ""
    return Text(text.removeprefix(_MARK), mark)


@dataclass(frozen=True)
class Readable:
    """A tree for looking only: files that are not UTF-8 as if they were, those that can't be read as empty ones."""

    tree: Tree

    def read(self, path: str) -> bytes | None:
        """The text of the file at a POSIX path, in UTF-8; None where there is no file."""
        content = self.tree.read(path)
        return None if content is None else read_text(content).content.encode()

    def executable(self, path: str) -> bool:
        """Whether the file at a POSIX path can be run."""
        return self.tree.executable(path)

    def obstacle(self, path: str) -> Obstacle | None:
        """What is in the way of a file at a POSIX path."""
        return self.tree.obstacle(path)


def is_utf8(content: bytes) -> bool:
    """Whether a content can be shown and compared line by line: UTF-8 without NUL, as in git's own diffs."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in content
