"""The embedded platform with machines that run what it starts."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from generator.lifecycle.verify import Rhythm
from generator.sandbox import Sandbox
from tests.chain.deploy import Agent, Deployment
from tests.chain.runner import Run, Runner, lacking
from tests.checkout import commit_all, git
from tests.service.servers import Answer, Canned, canned
from tests.world import Completed, World


@dataclass(frozen=True)
class Chain:
    """A world, what GitHub and Woodpecker run their jobs on, and the Slack that is told of failures."""

    world: World
    runner: Runner
    agent: Agent
    slack: Canned

    def create(self, given: dict[str, Any]) -> None:
        """A new service, with its first commit on the mirror."""
        completed = self.world.run("create", given, "--yes")
        assert completed.code == 0, completed.out + completed.err
        self.world.sandbox.forgejo.wait_for_mirrors()

    def build(self, name: str, branch: str = "") -> Run:
        """What GitHub does with the newest commit, once the mirror has everything; by hand where a branch is named."""
        self.world.sandbox.forgejo.wait_for_mirrors()
        return self.runner.run(self.world.mirror_name(name), branch)

    def deploy(self, name: str) -> list[Deployment]:
        """What Woodpecker does with what it was asked for."""
        return self.agent.work(self.world.mirror_name(name))

    def push(self, name: str, files: dict[str, str], message: str, branch: str = "") -> str:
        """A person's commit, pushed to the forge, as another branch if one is named, and mirrored; its id."""
        folder = self.world.folder / name
        for path, text in files.items():
            (folder / path).write_text(text, encoding="utf-8")
        sha = commit_all(folder, message)
        user = f"{self.world.platform.forgejo.owner}:{self.world.sandbox.tokens.forgejo}"
        header = f"Authorization: Basic {base64.b64encode(user.encode()).decode()}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GIT_CONFIG_GLOBAL", str(self.runner.machine.home / ".gitconfig"))
            patch.setenv("GIT_CONFIG_COUNT", "1")
            patch.setenv("GIT_CONFIG_KEY_0", f"http.{self.world.sandbox.urls['forgejo']}/.extraHeader")
            patch.setenv("GIT_CONFIG_VALUE_0", header)
            git(folder, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch or self.world.branch}")
        self.world.sandbox.forgejo.wait_for_mirrors()
        return sha

    def verify(self, name: str, *meanwhile: Callable[[], object]) -> Completed:
        """``newservice verify NAME --wait``; each of its pauses is the time in which the next of these happens."""
        happens = iter(meanwhile)
        wrong: list[Exception] = []

        def pause(_: float) -> None:
            try:
                next(happens)()
            except Exception as error:
                wrong.append(error)
                raise

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("generator.cli.verify.RHYTHM", Rhythm(sleep=pause))
            completed = self.world.command("verify", name, "--wait")
        if wrong:  # verify took it for a fault of its own; StopIteration: it waited for more than happens
            raise AssertionError(f"while verify waited: {wrong[0]!r}\n{completed.out}") from wrong[0]
        return completed

    @property
    def secrets(self) -> list[str]:
        """Every secret that a job gets."""
        tokens = self.world.sandbox.tokens
        return [tokens.forgejo_git, tokens.woodpecker, tokens.slack, *self.runner.tokens]


@pytest.fixture
def chain(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    """A platform whose GitHub and Woodpecker run what is pushed; skips where a program for it is missing."""
    if missing := lacking():
        pytest.skip(f"a pushed workflow can't be run without {', '.join(missing)}")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    with canned(*[Answer(200, "ok", "text/plain")] * 4) as slack:
        tokens = {"slack": f"{slack.url}/services/{os.urandom(12).hex()}"}
        with Sandbox.start(tmp_path / "platform", tokens=tokens) as sandbox:
            world = World(sandbox, folder, capsys, monkeypatch)
            world.enter()
            yield Chain(world, Runner(sandbox, tmp_path / "runner"), Agent(sandbox, tmp_path / "agent"), slack)
