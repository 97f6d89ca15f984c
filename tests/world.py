"""The command line against the embedded platform, in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.cli import _reporter, _run
from generator.sandbox import Sandbox


@dataclass(frozen=True)
class Told:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [item for item in self.events if item["event"] == event]

    @property
    def result(self) -> dict[str, Any]:
        last = self.events[-1]
        assert last["event"] == "result"
        assert [item["event"] for item in self.events].count("result") == 1
        assert last["exit_code"] == self.code
        return last


@dataclass
class World:
    """A sandbox, a folder to work in, and the command."""

    sandbox: Sandbox
    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def enter(self) -> None:
        for name, value in self.sandbox.environment.items():
            self.monkeypatch.setenv(name, value)

    def answers(self, given: Mapping[str, Any]) -> Path:
        path = self.folder / "answers.yml"
        path.write_text(yaml.safe_dump(dict(given), allow_unicode=True))
        return path

    def arguments(self, command: str, given: Mapping[str, Any], *more: str) -> list[str]:
        return [
            command,
            *("--answers", str(self.answers(given))),
            *("--platform", str(self.sandbox.profile), "--infra", str(self.sandbox.infra)),
            *("--service-dir", str(self.folder / str(given.get("name", "service")))),
            *("--json", *more),
        ]

    def run(self, command: str, given: Mapping[str, Any], *more: str) -> Told:
        """A command with answers, in this process: quick."""
        return self._tell(self.arguments(command, given, *more))

    def command(self, *arguments: str) -> Told:
        """A command as it is, on this platform."""
        platform = ("--platform", str(self.sandbox.profile), "--infra", str(self.sandbox.infra), "--json")
        return self._tell([*arguments, *platform])

    def _tell(self, arguments: list[str]) -> Told:
        self.capsys.readouterr()
        code = _run(arguments, _reporter(arguments))
        out, err = self.capsys.readouterr()
        return Told(int(code), out, err)

    def start(self, command: str, given: Mapping[str, Any], *more: str) -> subprocess.Popen[str]:
        """In a process of its own, which can be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "generator", *self.arguments(command, given, *more)],
            env={**os.environ, **self.sandbox.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # so that it can be killed with its children
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # What is really there, from the platform's own state.

    def inventory(self, name: str) -> dict[str, Any]:
        """How many of each thing exist for a service, and whether they fit together."""
        forgejo, github, woodpecker = self.sandbox.forgejo, self.sandbox.github, self.sandbox.woodpecker
        forgejo.wait_for_mirrors()
        canonical = forgejo.repository(f"viktor/{name}")
        mirror = github.repository(f"ViktorBarzin/{name}")
        rows = [row for row in woodpecker.repositories.values() if row.full_name == f"ViktorBarzin/{name}"]
        infra = forgejo.repository("viktor/infra")
        head = canonical.bare.heads()["master"]
        workflow = canonical.bare.file(head, ".github/workflows/build.yml") or b""
        branch = infra.bare.heads()[f"newservice/{name}"]
        return {
            "repositories": [item for item in forgejo.repositories if item.endswith(f"/{name}")],
            "mirrors": [item for item in github.repositories if item.endswith(f"/{name}")],
            "branches": sorted(canonical.bare.heads()),
            "commits": canonical.bare.count("master"),
            "same commit": mirror.bare.heads() == {"master": head},
            "default branch": mirror.default_branch,
            "secrets": {key: github.secret(mirror.full_name, key) for key in sorted(mirror.secrets)},
            "registrations": [(row.full_name, row.active) for row in rows],
            "hooks": len(mirror.hooks),
            "number in workflow": f"/api/repos/{rows[0].id}/pipelines".encode() in workflow,
            "push mirrors": [(item.remote_address, item.sync_on_commit, item.interval) for item in canonical.mirrors],
            "pull requests": [(item.head, item.state) for item in infra.pulls.values()],
            "infra commits": infra.bare.count(branch) - infra.bare.count("master"),
            "infra files": infra.bare.changed_files("master", f"newservice/{name}"),
            "vault": sorted(self.sandbox.vault.read(name)) if self._has_secret(name) else [],
        }

    def _has_secret(self, name: str) -> bool:
        try:
            self.sandbox.vault.read(name)
        except KeyError:
            return False
        return True
