"""A checkout's files, with the executable bits that git goes by. Reading only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from generator.infra_repo.trees import Folder


@dataclass(frozen=True)
class WorkingTree(Folder):
    """A checkout. Where its file system has no executable bits (``core.fileMode``), those of the index count."""

    def executable(self, path: str) -> bool:
        """Whether git takes a file for executable; a file that it does not know yet is not where it can't see."""
        return super().executable(path) if self.staged is None else path in self.staged

    @cached_property
    def staged(self) -> frozenset[str] | None:
        """The files that are executable in the index; None where the file system itself says it."""
        from generator.clients.git import staged_executables  # heavy, with all its modules

        return staged_executables(self.root)
