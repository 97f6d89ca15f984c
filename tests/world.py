"""The command line against the embedded platform, in this process or in one of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.cli.report import Reporter
from generator.cli.runner import run_command
from generator.platform.profile import Platform
from generator.sandbox import Sandbox
from generator.sandbox.forgejo.state import Repository, now
from generator.sandbox.github.state import Repository as Mirror
from generator.sandbox.messages import Request, Response
from tests.full import few

ELSEWHERE = Path(__file__).parent / "golden" / "other-platform" / "platform.yml"
"""The profile of a made-up platform."""

both_platforms = pytest.mark.parametrize("world", [None, ELSEWHERE], ids=["built-in", "elsewhere"], indirect=True)
"""Runs a test on the built-in platform and on the made-up one."""

fully_both = pytest.mark.parametrize("world", few(1, [None, ELSEWHERE]), ids=["built-in", "elsewhere"], indirect=True)
"""Runs a test on the built-in platform, and on the made-up one in ``make test-all``."""

elsewhere = pytest.mark.parametrize("world", [ELSEWHERE], ids=["elsewhere"], indirect=True)
"""Runs a test on the made-up platform only."""


@dataclass(frozen=True)
class Completed:
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


@dataclass(frozen=True)
class Shelf:
    """What ``World.have`` keeps for the tests of a process."""

    folder: Path

    def place(self, world: World, given: Mapping[str, Any], more: Sequence[str]) -> Path:
        """Where a service with these answers is kept, on this platform."""
        said = json.dumps([world.sandbox.given, dict(given), more], sort_keys=True, default=str)
        return self.folder / hashlib.sha256(said.encode()).hexdigest()[:20]


@dataclass
class World:
    """A sandbox, a folder to work in, and the command."""

    sandbox: Sandbox
    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    shelf: Shelf | None = field(default=None, kw_only=True)

    def enter(self) -> None:
        for name, value in self.sandbox.environment.items():
            self.monkeypatch.setenv(name, value)

    def answers(self, given: Mapping[str, Any]) -> Path:
        path = self.folder / f"{given.get('name', 'answers')}.answers.yml"
        path.write_text(yaml.safe_dump(dict(given), allow_unicode=True))
        return path

    def arguments(self, command: str, given: Mapping[str, Any], *more: str) -> list[str]:
        return [
            command,
            *("--answers", str(self.answers(self.fit(given)))),
            *("--platform", str(self.sandbox.profile), "--infra", str(self.sandbox.infra)),
            *("--service-dir", str(self.folder / str(given.get("name", "service")))),
            *("--json", *more),
        ]

    def run(self, command: str, given: Mapping[str, Any], *more: str) -> Completed:
        """A command with answers, in this process: quick."""
        return self.tell(self.arguments(command, given, *more))

    def have(self, given: Mapping[str, Any], *more: str) -> str:
        """A service that ``create`` has made, as the first thing on this platform; its name.

        For tests of what comes afterwards: from the third of a process on they begin with a platform that is restored
        as the second one's was then. Its journal is empty, and it has nothing that ``Sandbox.save`` leaves out.
        """
        assert not self.sandbox.journal, "it is for the beginning of a test"
        kept = self.shelf.place(self, given, more) if self.shelf else None
        if kept is None or not self._restore(kept):
            done = self.run("create", given, *more)
            assert done.code == 0, done.out
            if kept is not None and kept.exists() and not (kept / "work").exists():
                self.sandbox.save(kept / "platform")
                shutil.copytree(self.folder, kept / "work", symlinks=True)
            elif kept is not None:
                kept.mkdir(exist_ok=True)
        return str(given["name"])

    def _restore(self, kept: Path) -> bool:
        """Begin with what was kept; False where nothing was yet, or another program has its port now."""
        if not (kept / "work").exists():
            return False
        root = self.sandbox.root.with_name("restored")
        try:
            found = Sandbox.start(root, restore=kept / "platform", authority=self.sandbox.authority)
        except OSError:
            return False
        self.sandbox.stop()
        self.sandbox = found
        self.enter()
        shutil.copytree(kept / "work", self.folder, symlinks=True, dirs_exist_ok=True)
        return True

    def command(self, *arguments: str, reporter: Reporter | None = None) -> Completed:
        """A command as it is, on this platform."""
        platform = ("--platform", str(self.sandbox.profile), "--infra", str(self.sandbox.infra), "--json")
        return self.tell([*arguments, *platform], reporter)

    def tell(self, arguments: list[str], reporter: Reporter | None = None) -> Completed:
        self.capsys.readouterr()
        code = run_command(arguments, reporter)
        out, err = self.capsys.readouterr()
        return Completed(int(code), out, err)

    def start(self, command: str, given: Mapping[str, Any], *more: str) -> subprocess.Popen[str]:
        """In a process of its own, which can be killed."""
        return self.launch(*self.arguments(command, given, *more))

    def launch(self, *arguments: str) -> subprocess.Popen[str]:
        """A command as it is, in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "generator", *arguments],
            env={**os.environ, **self.sandbox.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # so that it can be killed with its children
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # The platform's own words.

    @property
    def platform(self) -> Platform:
        return self.sandbox.platform

    @property
    def branch(self) -> str:
        """Default branch of services."""
        return self.platform.forgejo.branch

    @property
    def base(self) -> str:
        """Default branch of the infra repository."""
        return self.platform.infra.branch

    @property
    def infra(self) -> Repository:
        """The infra repository on the forge."""
        return self.canonical(self.platform.infra.repository)

    def canonical(self, name: str) -> Repository:
        return self.sandbox.forgejo.repository(f"{self.platform.forgejo.owner}/{name}")

    def mirror_name(self, name: str) -> str:
        return f"{self.platform.github.owner}/{name}"

    def mirror(self, name: str) -> Mirror:
        return self.sandbox.github.repository(self.mirror_name(name))

    def fit(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The same answers on this platform: only the tiers have names of its own."""
        other = given.get("tier") not in (None, *self.platform.facts["tiers"])
        return {key: value for key, value in given.items() if not (other and key == "tier")}

    def merge(self, name: str) -> None:
        """Merge the pull request of a service as a fast-forward, and delete its branch."""
        head = f"newservice/{name}"
        self.infra.bare.update(f"refs/heads/{self.base}", self.infra.bare.heads()[head])
        self.infra.bare.delete(f"refs/heads/{head}")
        self.infra.pulls.clear()

    def merge_request(self, name: str, message: str = "") -> str:
        """Merge a service's pull request as the forge does, which starts the merge's pipeline; the merge's commit."""
        found, before, head = self.infra, self.infra.bare.references(), f"newservice/{name}"
        (pull,) = [item for item in found.pulls.values() if item.head == head and item.state == "open"]
        ours, theirs = found.bare.heads()[self.base], found.bare.heads()[head]
        tree = found.bare.merged_tree(ours, theirs)
        assert tree is not None
        sha = found.bare.commit_tree(tree, [ours, theirs], message or f"Merge {head}")
        found.bare.update(f"refs/heads/{self.base}", sha)
        pull.state, pull.merged, pull.merge_commit = "closed", now(), sha
        self.sandbox.forgejo.pushed(found, before)
        return sha

    def meet(self, system: str, method: str, path: str, parties: int = 2, *, patience: float = 60) -> None:
        """Let so many fitting requests (``path`` is searched) wait for each other before anything is done about one.

        After ``patience`` seconds they go on alone.
        """
        gate, application = threading.Barrier(parties), getattr(self.sandbox, system)

        def waiting(request: Request) -> Response:
            if request.method == method and re.search(path, request.path) and not gate.broken:
                with suppress(threading.BrokenBarrierError):
                    if gate.wait(patience) == 0:
                        gate.abort()  # once is enough
            response: Response = application(request)
            return response

        self.sandbox.lead_to(system, waiting)

    def kill_after(self, step: str, given: Mapping[str, Any]) -> int:
        """Kill a create as soon as it tells of a step; its return code. The platform holds every later request."""
        process = self.start("create", given)
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "step" and event["id"] == step:
                self.sandbox.pause()
                process.send_signal(signal.SIGKILL)
                break
        process.communicate()
        self.sandbox.resume()
        return process.returncode

    # What is really there, from the platform's own state.

    def inventory(self, name: str) -> dict[str, Any]:
        """How many of each thing exist for a service, and whether they fit together."""
        forgejo, github, woodpecker = self.sandbox.forgejo, self.sandbox.github, self.sandbox.woodpecker
        forgejo.wait_for_mirrors()
        canonical, mirror = self.canonical(name), self.mirror(name)
        rows = [row for row in woodpecker.repositories.values() if row.full_name == self.mirror_name(name)]
        head = canonical.bare.heads()[self.branch]
        paths = (".github/workflows/build.yml", ".woodpecker/deploy.yml")
        workflow = b"".join(canonical.bare.file(head, path) or b"" for path in paths)
        return {
            "repositories": [item for item in forgejo.repositories if item.endswith(f"/{name}")],
            "mirrors": [item for item in github.repositories if item.endswith(f"/{name}")],
            "branches": sorted(canonical.bare.heads()),
            "commits": canonical.bare.count(self.branch),
            "same commit": mirror.bare.heads() == {self.branch: head},
            "default branch": mirror.default_branch,
            "secrets": {key: github.secret(mirror.full_name, key) for key in sorted(mirror.secrets)},
            "registrations": [(row.full_name, row.active) for row in rows],
            "hooks": len(mirror.hooks),
            "number in workflow": any(f"/api/repos/{row.id}/pipelines".encode() in workflow for row in rows),
            "push mirrors": [(item.remote_address, item.sync_on_commit, item.interval) for item in canonical.mirrors],
            **self.asked(name),
            "vault": sorted(self.sandbox.vault.read(name)) if self.has_secret(name) else [],
            "vault notes": sorted(self.sandbox.vault.notes.get(name, {})),
        }

    def asked(self, name: str) -> dict[str, Any]:
        """What the infra repository is asked to take."""
        bare, head = self.infra.bare, f"newservice/{name}"
        return {
            "pull requests": [(item.head, item.state) for item in self.infra.pulls.values() if item.head == head],
            "infra commits": bare.count(head) - bare.count(self.base),
            "infra files": bare.changed_files(self.base, head),
        }

    def has_secret(self, name: str) -> bool:
        try:
            self.sandbox.vault.read(name)
        except KeyError:
            return False
        return True


def only_looked_up(world: World) -> bool:
    """Whether nothing was asked but what is recorded of the service."""
    return all(item.method == "GET" and ".copier-answers.yml" in item.path for item in world.sandbox.journal)
