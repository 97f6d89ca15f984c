"""The command in this process, without a platform: quick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.cli.runner import run_command
from tests.checkout import git, infra_checkout
from tests.world import Completed


@dataclass
class Command:
    """The command, and how it is told what it said."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Completed:
        given = [str(argument) for argument in arguments]
        self.capsys.readouterr()
        code = run_command(given)
        out, err = self.capsys.readouterr()
        return Completed(int(code), out, err)


@dataclass
class Desk:
    """A folder to work in with a checkout of an infra repository, for files only."""

    folder: Path
    command: Command

    @property
    def infra(self) -> Path:
        return self.folder / "infra"

    @property
    def service(self) -> Path:
        return self.folder / "service"

    def prepare(self) -> None:
        infra_checkout(self.infra)

    def create(self, given: Mapping[str, Any], *more: str | Path, command: str = "create") -> Completed:
        """Files only, in JSON."""
        answers = self.folder / "answers.yml"
        answers.write_text(yaml.safe_dump(dict(given), allow_unicode=True))
        places = ("--infra", self.infra, "--service-dir", self.service)
        return self.command(command, "--answers", answers, *places, "--no-provision", "--json", *more)

    def changed(self) -> list[str]:
        """Paths of the checkout that are not as they were committed."""
        completed = git(self.infra, "status", "--porcelain=v1", "-z", "--untracked-files=all")
        return sorted(entry[3:] for entry in completed.split("\0") if entry)

    def snapshot(self) -> dict[str, bytes | None]:
        """Everything below the folder but git's own: content by path, None for a folder."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes() if path.is_file() else None
            for path in sorted(self.folder.rglob("*"))
            if ".git" not in path.parts and path.name != "answers.yml"
        }
