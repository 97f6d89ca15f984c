"""A sandbox with a small fleet, made by release 1.0.0; release 9.1.0 is out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from generator.fleet.source import update_branch
from generator.sandbox.forgejo.state import PullRequest
from generator.sandbox.repositories import BareRepository
from tests.fleet.fleet import WHEN, Made, make, settle
from tests.upgrade.releases import Next, add_release, install
from tests.world import Completed, World


@dataclass
class Yard:
    """The fleet's world, and what tests do to it."""

    world: World
    made: Made
    next: Next

    def fleet(self, *arguments: str) -> Completed:
        """A command on the fleet, in this process."""
        return self.world.command("fleet", *arguments)

    def fleet_template(self, *arguments: str) -> Completed:
        """A command on templates, in this process."""
        return self.world.command("templates", *arguments)

    def states(self, completed: Completed) -> dict[str, str]:
        """States of the stacks by name."""
        return {item["name"]: item["state"] for item in completed.of("service") if item["layer"] == "stack"}

    def one(self, completed: Completed, name: str, layer: str = "stack") -> dict[str, Any]:
        """What was told of one tree, at last."""
        return [item for item in completed.of("service") if (item["name"], item["layer"]) == (name, layer)][-1]

    @property
    def bare(self) -> BareRepository:
        """The infra repository on the forge."""
        return self.world.infra.bare

    def pulls(self, name: str, repository: str = "") -> list[PullRequest]:
        """Pull requests of a service's update."""
        found = self.world.canonical(repository) if repository else self.world.infra
        return [pull for pull in found.pulls.values() if pull.head == update_branch(name)]

    def head(self, name: str) -> str | None:
        """The commit of a stack's update."""
        return self.bare.heads().get(update_branch(name))

    def commit(self, files: dict[str, str | bytes], branch: str = "", message: str = "by hand\n") -> str:
        """Somebody's commit to the infra repository."""
        return self.bare.commit_files(branch or self.world.base, files, message, WHEN + 60)

    def file(self, path: str, revision: str = "") -> str:
        """A file of the infra repository."""
        content = self.bare.file(revision or self.world.base, path)
        assert content is not None, path
        return content.decode()

    def path(self, name: str, file: str) -> str:
        """A stack's file."""
        return f"{self.made.prefix(name)}{file}"

    def merge(self, name: str) -> None:
        """Merge an update as the forge does, by a merge commit."""
        pull = next(pull for pull in self.pulls(name) if pull.state == "open")
        tree = self.bare.merged_tree(self.bare.heads()[self.world.base], self.bare.heads()[pull.head])
        assert tree is not None
        parents = [self.bare.heads()[self.world.base], self.bare.heads()[pull.head]]
        self.bare.update(f"refs/heads/{self.world.base}", self.bare.commit_tree(tree, parents, "merge\n"))
        pull.state, pull.merged = "closed", "2026-11-23T12:00:00Z"


COUNT = 6


@pytest.fixture(autouse=True)
def _remembers_nothing(own_cache: None) -> None:
    """What earlier tests found of a fleet is not kept for the next one."""


@pytest.fixture(scope="session")
def _release(tmp_path_factory: pytest.TempPathFactory) -> Next:
    return add_release(tmp_path_factory.mktemp("next"))


@pytest.fixture(scope="session")
def _fleets() -> dict[tuple[str, bool], Made]:
    """The files of fleets, by platform and whether services have repositories: rendering them takes a second."""
    return {}


@pytest.fixture
def yard(
    request: pytest.FixtureRequest,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    _release: Next,
    _fleets: dict[tuple[str, bool], Made],
) -> Yard:
    """Six stacks of upstream images; ``owned`` as the parameter: with repositories of their own among them."""
    key = (world.platform.source, getattr(request, "param", "") == "owned")
    if key not in _fleets:
        _fleets[key] = make(world.platform, COUNT, owned=key[1])
    made = _fleets[key]
    settle(world, made)
    install(monkeypatch, _release)
    return Yard(world, made, _release)
