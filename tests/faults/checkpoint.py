"""A platform as it was, as often as it is wanted: quicker than to make it again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.sandbox.snapshot import HELD
from tests.world import World


@dataclass(frozen=True)
class Checkpoint:
    """What all systems hold, their repositories, and what a person has on disk."""

    world: World
    held: dict[tuple[str, str], Any]
    kept: Path

    @classmethod
    def of(cls, world: World) -> Checkpoint:
        """Keep everything as it is now; nothing may be under way."""
        world.sandbox.settle()
        held = {(system, name): deepcopy(value) for system, name, value in _held(world)}
        checkpoint = cls(world, held, world.sandbox.root.parent / "kept")
        for number, folder in enumerate(checkpoint.folders):
            _copy(folder, checkpoint.kept / str(number))
        return checkpoint

    @property
    def folders(self) -> tuple[Path, ...]:
        """The repositories, the person's clone of the infra repository, and the folder of the command."""
        root = self.world.sandbox.root
        return (root / "repositories", root / "infra", self.world.folder)

    def restore(self) -> None:
        """Make everything as it was. Whoever used the platform must have ended."""
        self.world.sandbox.settle()
        for system, name, _ in _held(self.world):
            setattr(getattr(self.world.sandbox, system), name, deepcopy(self.held[system, name]))
        for number, folder in enumerate(self.folders):
            for entry in folder.iterdir():  # the folder itself stays: it is the current one
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            _copy(self.kept / str(number), folder)


def _held(world: World) -> Iterator[tuple[str, str, Any]]:
    for system, names in HELD.items():
        for name in names:
            yield system, name, getattr(getattr(world.sandbox, system), name)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder; git's objects, which nobody changes, are the same files."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_copied)


def _copied(source: str, target: str) -> None:
    if "/objects/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
