"""A change that is killed at any of its writes: the same command finishes it, and what it makes is made once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from generator.sandbox.messages import Request, Response
from tests.answers import RICH
from tests.change.forge import PREFIX, change, merge_all, repositories, state
from tests.full import few
from tests.processes import kill_all
from tests.world import World

NAME = str(RICH["name"])
FLAGS = ("--title", "Town Guide", "--set", "secrets.ZONE=zone", "--no-ci", "--unset", "env.LOG_LEVEL")
SYSTEMS = ("forgejo", "github", "woodpecker", "vault")
WRITES = 13
"""More than a change has: the last ones are never reached, and it ends by itself."""


class Trap:
    """Lets a process be killed at its ``number``-th write, before or after the system acted."""

    def __init__(self, world: World, number: int, *, acts: bool) -> None:
        self.reached, self._killed, self._lock = threading.Event(), threading.Event(), threading.Lock()
        self._left, self._acts = number, acts
        for system in SYSTEMS:
            world.sandbox.lead_to(system, partial(self._answer, getattr(world.sandbox, system)))

    def _answer(self, application: Callable[[Request], Response], request: Request) -> Response:
        if not self._is_it(request):
            return application(request)
        answered = application(request) if self._acts else Response(500, b"")
        self.reached.set()
        self._killed.wait(60)
        return answered

    def _is_it(self, request: Request) -> bool:
        if request.method in ("GET", "HEAD") or "git-upload-pack" in request.path:
            return False
        with self._lock:
            self._left -= 1
            return self._left == 0

    def disarm(self, world: World) -> None:
        self._killed.set()
        for system in SYSTEMS:
            world.sandbox.lead_to(system, getattr(world.sandbox, system))


def begun(world: World) -> subprocess.Popen[str]:
    """A change in a process of its own."""
    places = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra))
    return subprocess.Popen(
        [sys.executable, "-m", "generator", "change", NAME, "--yes", *FLAGS, *places, "--json"],
        env={**os.environ, **world.sandbox.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )


def proposals(world: World) -> dict[str, Any]:
    """The commits and pull requests of the change in each repository."""
    return {
        found.name: (
            found.bare.count(f"{PREFIX}{NAME}") - found.bare.count(found.default_branch),
            [pull.state for pull in found.pulls.values() if pull.head == f"{PREFIX}{NAME}"],
        )
        for found in repositories(world, NAME)
    }


@pytest.mark.parametrize("acts", few(1, [True, False]), ids=["after", "before"])
@pytest.mark.parametrize("number", few(1, [4, 7, 6, *(n for n in range(1, WRITES) if n not in (4, 7, 6))]))
def test_the_same_command_finishes_it(world: World, number: int, acts: bool) -> None:
    world.have(RICH)
    world.merge(NAME)
    trap = Trap(world, number, acts=acts)
    process = begun(world)
    while process.poll() is None and not trap.reached.wait(0.1):
        pass
    if trap.reached.is_set():
        kill_all(process)
    process.wait()
    trap.disarm(world)

    done = change(world, NAME, *FLAGS)

    assert done.code == 0, done.out + done.err
    assert proposals(world) == {world.infra.name: (1, ["open"]), NAME: (1, ["open"])}
    assert state(world, NAME)["secrets"] != []  # the default branch still uses them
    merge_all(world, NAME)
    assert change(world, NAME).code == 0
    found = state(world, NAME)
    assert (found["description"], found["secrets"], found["woodpecker"]) == (world.canonical(NAME).description, [], [])
    assert "zone" in found["vault"]
    assert found["answers"]["title"] == "Town Guide"
    assert found["answers"]["env"] == {"DATABASE_HOST": "{pg_host}"}
    assert change(world, NAME).result["status"] == "unchanged"
