"""The sandbox's infra repository in memory, with golden stacks in it, and Terraform for many tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generator.base.contained import Obstacle
from generator.sandbox.infra_repository import FILES as SANDBOX

GOLDEN = Path(__file__).parents[1] / "golden"


@dataclass(frozen=True)
class Tree:
    """An infra repository in memory."""

    content: Mapping[str, bytes]

    def read(self, path: str) -> bytes | None:
        """A file's content."""
        return self.content.get(path)

    def executable(self, path: str) -> bool:
        """None of them can be run."""
        return False

    def obstacle(self, path: str) -> Obstacle | None:
        """Nothing is in the way: nothing is written."""

    def paths(self, folder: str) -> list[str]:
        """The files below a folder."""
        return [path for path in self.content if path.startswith(f"{folder}/")]

    def changed(self, path: str, old: str, new: str) -> Tree:
        """The tree with another text at one place of a file."""
        text = self.content[path].decode()
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        return self.having({path: text.replace(old, new)})

    def having(self, files: Mapping[str, str]) -> Tree:
        """The tree with these files, too."""
        return Tree({**self.content, **{path: text.encode() for path, text in files.items()}})

    def without(self, *paths: str) -> Tree:
        """The tree without these files."""
        return Tree({path: content for path, content in self.content.items() if path not in paths})


@cache
def sandbox() -> Tree:
    """The sandbox's infra repository."""
    return Tree({path.relative_to(SANDBOX).as_posix(): path.read_bytes() for path in _files(SANDBOX)})


@cache
def golden(case: str) -> Tree:
    """The same with a golden stack, whose folder has the case's name."""
    own = GOLDEN / case / "stack"
    files = {f"stacks/{case}/{path.relative_to(own).as_posix()}": path.read_bytes() for path in _files(own)}
    return Tree({**sandbox().content, **files})


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
