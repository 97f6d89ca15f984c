"""Fleets as the first release made them: many stacks in one infra repository, and services' own repositories."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from generator.infra_repo.entries import compare_registrations, registered_files
from generator.platform.profile import Platform
from generator.sandbox.forgejo.state import Repository
from generator.sandbox.repositories import BareRepository
from generator.template.releases import Releases
from tests.answers import RICH, SMALLEST, UPSTREAM
from tests.upgrade.services import Files, Origin, golden, infra
from tests.world import World

WHEN = 1_782_000_000
REGISTERED_EVERY = 5
"""One stack in so many has its entries in the shared files; entering them takes most of the time."""

_PLAIN: tuple[dict[str, Any], ...] = (
    SMALLEST,
    UPSTREAM,
    RICH,
    {"kind": "worker", "port": 0, "redis": True, "language": "go"},
    {"kind": "cronjob", "database": "postgres"},
    {**UPSTREAM, "volumes": [{"name": "data", "mount": "/data"}], "memory": "512Mi"},
)
_OWN_NAMES = ("name", "namespace", "host", "names", "redis", "title", "description", "paths")


@dataclass(frozen=True)
class Made:
    """A fleet: the infra repository's files, and those of services' repositories by name."""

    platform: Platform
    names: tuple[str, ...]
    files: Mapping[str, bytes]
    services: Mapping[str, Mapping[str, bytes]]

    def prefix(self, name: str) -> str:
        """A stack's folder."""
        return self.platform.infra.stack(name)


@cache
def variety() -> tuple[dict[str, Any], ...]:
    """Answers of every kind, without names."""
    found = [*_PLAIN, *(dict(origin.given) for origin in golden() if origin.title not in ("hostile", "other-platform"))]
    return tuple({key: value for key, value in given.items() if key not in _OWN_NAMES} for given in found)


def given(number: int, *, owned: bool) -> dict[str, Any]:
    """Answers of one service; ``owned``: some have a repository of their own."""
    kinds = [item for item in variety() if owned or item.get("image_source") == "upstream"]
    name = f"app-{number:03d}"
    return {**kinds[number % len(kinds)], "name": name, "title": f"App {number}", "description": "Does its work"}


def make(platform: Platform, count: int, *, owned: bool = False) -> Made:
    """A fleet of ``count`` services, as release 1.0.0 made them."""
    files, services, names = dict(infra(platform)), {}, []
    releases = Releases()
    for number in range(count):
        origin = Origin(str(number), given(number, owned=owned), platform, releases)
        names.append(origin.name)
        prefix = origin.prefix("stack")
        own = {f"{prefix}{file.path}": file.content for file in origin.files("stack")}
        if number % REGISTERED_EVERY == 0:
            changes = compare_registrations(origin.maker.registrations(origin.answers["stack"]), Files(files))
            files |= {file.path: file.content for file in registered_files(changes)}
        files |= own
        if "service" in origin.layers:
            services[origin.name] = {file.path: file.content for file in origin.files("service")}
    return Made(platform, tuple(names), files, services)


def settle(world: World, made: Made) -> None:
    """Put a fleet onto the sandbox's forge; the infra clone stays behind."""
    world.infra.bare.commit_files(world.base, made.files, "the fleet\n", WHEN)
    for name, files in made.services.items():
        add_service(world, name, files)


def add_service(world: World, name: str, files: Mapping[str, bytes]) -> Repository:
    """A service's repository."""
    owner = world.platform.forgejo.owner
    repository = world.sandbox.forgejo.create_repository(owner, name, branch=world.branch)
    repository.bare.commit_files(world.branch, files, "the service\n", WHEN)
    repository.refresh(repository.bare.heads())
    return repository


def clone_of(folder: Path, made: Made) -> Path:
    """A clone of an infra repository with a fleet, its files checked out; nothing to do with any forge."""
    branch = made.platform.infra.branch
    bare = BareRepository.create(folder / "infra.git", branch)
    bare.commit_files(branch, made.files, "the fleet\n", WHEN)
    clone = folder / "infra"
    subprocess.run(["git", "clone", "--quiet", str(bare.path), str(clone)], check=True, capture_output=True)
    return clone


def command(releases: Path, *arguments: str) -> list[str]:
    """The command in a process of its own, with other releases than the installed ones."""
    start = (
        "import sys; from pathlib import Path; from generator.template import releases; "
        "releases.FOLDER = Path(sys.argv[1]); from generator.cli import main; main(sys.argv[2:])"
    )
    return [sys.executable, "-c", start, str(releases), *arguments]
