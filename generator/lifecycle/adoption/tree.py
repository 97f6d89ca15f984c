"""The files of a commit that can say something about it, each read at most once and within bounds."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MOST_BYTES = 1 << 20
"""No file that is looked into is larger; what is, is not read where its size is known before."""

LINK, SUBMODULE = "120000", "160000"


@dataclass(frozen=True)
class TreeFile:
    """A path of a commit: what reads its content, and what git says of it. A link's content is where it leads."""

    read: Callable[[], bytes]
    size: int = 0
    mode: str = "100644"


class CommitTree:
    """The files of a commit, each read at most once and within bounds."""

    def __init__(self, files: Mapping[str, TreeFile | Callable[[], bytes]]) -> None:
        self.files = {
            path: item if isinstance(item, TreeFile) else TreeFile(item)
            for path, item in sorted(files.items(), key=lambda pair: (pair[0].count("/"), pair[0]))
        }
        self.unread: dict[str, str] = {}
        self._contents: dict[str, bytes | None] = {}

    def content(self, path: str) -> bytes | None:
        """The content, through links of the tree; None where it can't be looked into."""
        if path not in self._contents:
            self._contents[path] = self._read(path)
        return self._contents[path]

    def text(self, path: str) -> str:
        """The same as text; what is not UTF-8 is replaced, and noted."""
        content = self.content(path) or b""
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.unread.setdefault(path, "is not UTF-8, and was read as far as it is")
            return content.decode("utf-8", "replace")

    def target(self, path: str) -> str | None:
        """The file that a path leads to, itself where it is no link; None where it leads out of the tree."""
        for _ in range(10):
            item = self.files.get(path)
            if item is None or item.mode != LINK:
                return path if item else None
            if item.size > 4096:
                return None
            said = item.read()[:4096].decode("utf-8", "replace")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), said))
            if said.startswith("/") or path.startswith("../"):
                return None
        return None

    def _read(self, path: str) -> bytes | None:
        at = self.target(path)
        item = self.files.get(at) if at else None
        if item is None or item.mode == SUBMODULE:
            self.unread[path] = "is a link to no file of the repository"
            return None
        content = item.read() if item.size <= MOST_BYTES else None
        if content is None or len(content) > MOST_BYTES:
            self.unread[path] = f"is larger than {MOST_BYTES // 1024} KiB"
            return None
        return content
