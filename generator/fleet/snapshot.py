"""One commit of a repository, read in a few processes for any number of trees."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, takewhile

from generator.base.contained import A_SUBMODULE, Obstacle, is_plain, link_at
from generator.base.errors import SystemFailure
from generator.clients.git.reading import too_large
from generator.clients.objects import Objects
from generator.infra_repo.fingerprints import EXECUTABLE, LINK, SUBMODULE
from generator.infra_repo.trees import obstacle_among
from generator.template.files import ANSWERS_FILE


@dataclass
class Snapshot:
    """A commit's files: the ids of all, and the contents read so far. A forked process can continue reading.

    ``runnable`` are the paths of the executable files, ``links`` those of symbolic links, which are not read, and
    ``submodules`` have no files here.
    """

    objects: Objects
    sha: str
    ids: Mapping[str, str]
    runnable: frozenset[str] = frozenset()
    _contents: dict[str, bytes] = field(default_factory=dict)
    links: frozenset[str] = frozenset()
    submodules: frozenset[str] = frozenset()

    @classmethod
    def of(cls, objects: Objects, sha: str) -> Snapshot:
        """A snapshot with the commit's listing; contents are read on demand."""
        entries = {path: entry for path, entry in objects.entries(sha).items() if is_plain(path)}
        runnable, links, submodules = (
            frozenset(path for path, (mode, _) in entries.items() if mode == wanted)
            for wanted in (EXECUTABLE, LINK, SUBMODULE)
        )
        ids = {path: blob for path, (_, blob) in entries.items() if path not in submodules}
        return cls(objects, sha, ids, runnable, links=links, submodules=submodules)

    def load(self, paths: Iterable[str]) -> None:
        """Prefetch the contents of files, all in one process."""
        wanted = {self.ids[path] for path in paths if path in self.ids}
        self._contents.update(self.objects.contents(wanted - self._contents.keys()))

    def read(self, path: str) -> bytes | None:
        """Content of a file, or None. Raises ``SystemFailure`` if the clone lacks its content."""
        return None if path in self.links else self._content(path)

    def read_if_small(self, path: str) -> bytes | None:
        """Content of a file; None also for one that is too large to be read."""
        self.load([path])
        return self.read(path) if self.ids.get(path) in self._contents else None

    def _content(self, path: str) -> bytes | None:
        sha = self.ids.get(path)
        if sha is None:
            return None
        if sha not in self._contents:
            self._contents.update(self.objects.contents([sha]))
        if sha not in self._contents:
            if self.objects.sizes([sha]):
                raise too_large(self.objects.path, path)
            raise SystemFailure(
                "git.incomplete",
                f"{self.objects.path} lacks the content of {path}: it is a partial clone",
                "clone the repository without --filter",
            )
        return self._contents[sha]

    def executable(self, path: str) -> bool:
        """Whether a file is executable."""
        return path in self.runnable

    def obstacle(self, path: str) -> Obstacle | None:
        """What is in the way of a file, such as a link."""
        return obstacle_among(path, self, self._kept, self.paths)

    def __contains__(self, path: object) -> bool:
        """Whether there is a file, a link or a submodule."""
        return path in self.ids or path in self.submodules

    def _kept(self, path: str) -> Obstacle | None:
        """A link or a submodule; None for a plain file."""
        if path in self.submodules:
            return Obstacle(path, A_SUBMODULE)
        return link_at(path, self._content(path) or b"") if path in self.links else None

    def paths(self, folder: str) -> list[str]:
        """Paths of the files below a folder."""
        beginning = f"{folder.rstrip('/')}/"
        first = bisect_left(self._ordered, beginning)
        return list(takewhile(lambda path: path.startswith(beginning), islice(self._ordered, first, None)))

    @cached_property
    def _ordered(self) -> list[str]:
        """All paths, sorted: those below a folder are adjacent."""
        return sorted(self.ids)

    def below(self, prefixes: Iterable[str]) -> dict[str, dict[str, str]]:
        """For each prefix (all equally deep), the ids of the files below it, by path."""
        found: dict[str, dict[str, str]] = {prefix: {} for prefix in prefixes}
        depth = max((prefix.count("/") for prefix in found), default=0)
        for path, sha in self.ids.items():
            prefix = "/".join(path.split("/", depth)[:depth]) + "/"
            if prefix in found:
                found[prefix][path] = sha
        return found

    def load_stacks(self, prefixes: Iterable[str]) -> None:
        """Prefetch all files below these prefixes."""
        self.load(path for files in self.below(prefixes).values() for path in files)


def made_stacks(paths: Iterable[str], stacks: str) -> Iterator[str]:
    """Names of the folders below ``stacks`` with an answers file."""
    found = re.compile(f"{re.escape(stacks)}/([^/]+)/{re.escape(ANSWERS_FILE)}")
    return (match[1] for path in paths if (match := found.fullmatch(path)))
