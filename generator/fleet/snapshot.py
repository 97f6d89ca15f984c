"""One commit of a repository, read in a few processes for as many trees as there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from generator.changes import ANSWERS_FILE
from generator.clients.objects import Objects


@dataclass
class Snapshot:
    """A commit's files: the ids of all, and the contents that were read. A forked process may go on reading."""

    objects: Objects
    sha: str
    ids: Mapping[str, str]
    _contents: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, objects: Objects, sha: str) -> Snapshot:
        """The commit's listing; contents are read when they are asked for."""
        return cls(objects, sha, objects.listing(sha))

    def load(self, paths: Iterable[str]) -> None:
        """Read the contents of files ahead, all in one process."""
        wanted = {self.ids[path] for path in paths if path in self.ids}
        self._contents.update(self.objects.contents(wanted - self._contents.keys()))

    def read(self, path: str) -> bytes | None:
        """Content of a file."""
        sha = self.ids.get(path)
        if sha is None:
            return None
        if sha not in self._contents:
            self._contents.update(self.objects.contents([sha]))
        return self._contents[sha]

    def paths(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        start = f"{folder.rstrip('/')}/" if folder else ""
        return [path for path in self.ids if path.startswith(start)]

    def load_stacks(self, prefixes: Iterable[str]) -> None:
        """Read everything below these prefixes ahead."""
        wanted = set(prefixes)
        depth = max((prefix.count("/") for prefix in wanted), default=0)
        self.load(path for path in self.ids if _prefix(path, depth) in wanted)


def made_stacks(paths: Iterable[str], stacks: str) -> Iterator[str]:
    """Names of the folders below ``stacks`` with an answers file."""
    found = re.compile(f"{re.escape(stacks)}/([^/]+)/{re.escape(ANSWERS_FILE)}")
    return (match[1] for path in paths if (match := found.fullmatch(path)))


def _prefix(path: str, depth: int) -> str:
    return "/".join(path.split("/", depth)[:depth]) + "/"
