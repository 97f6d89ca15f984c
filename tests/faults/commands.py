"""The commands that meet faults: what exists before each, and how it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.answers import RICH
from tests.change.forge import change, merge_all
from tests.checkout import git
from tests.fleet.fleet import make, settle
from tests.upgrade.releases import add_release, install
from tests.world import World

NAME = str(RICH["name"])

CHANGED = ("--title", "Town Guide", "--set", "secrets.ZONE=zone", "--no-ci", "--unset", "env.LOG_LEVEL")
"""A change of every system, but for what waits for its merge."""

REPLACED = "CITY_GUIDE_TOKEN"
"""The variable with the value that a property of the service's gets instead of its own."""


@dataclass(frozen=True)
class Command:
    """A command that changes something: ``prepare`` makes what exists before it, ``words`` are its arguments."""

    name: str
    prepare: Callable[[World], None]
    words: Callable[[World], list[str]]

    def __str__(self) -> str:
        return self.name


def _nothing(_: World) -> None:
    """Before the first create there is nothing."""


def _created(world: World) -> None:
    assert world.run("create", RICH).code == 0


def _merged(world: World) -> None:
    _created(world)
    world.merge(NAME)


def _changed(world: World) -> None:
    _merged(world)
    assert change(world, NAME, *CHANGED).code == 0
    merge_all(world, NAME)


def _lost_secrets(world: World) -> None:
    _created(world)
    world.mirror(NAME).secrets.clear()


def _another_value(world: World) -> None:
    _created(world)
    world.monkeypatch.setenv(REPLACED, "the value that the provider gave instead")


def _released(world: World) -> None:
    """A stack that the first release made, a clone of it, and another release."""
    settle(world, make(world.platform, 1))
    install(world.monkeypatch, add_release(world.sandbox.root.parent / "next"))
    git(world.folder, "clone", "--quiet", str(world.infra.bare.path), "clone")


def _create(world: World) -> list[str]:
    return world.arguments("create", RICH)


def _places(world: World) -> tuple[str, ...]:
    return ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra), "--json")


def _change(world: World) -> list[str]:
    return ["change", NAME, "--yes", *CHANGED, *_places(world)]


def _finish(world: World) -> list[str]:
    return ["change", NAME, "--yes", *_places(world)]


def _remove(world: World) -> list[str]:
    return ["remove", NAME, "--yes", "--service-dir", str(world.folder / NAME), *_places(world)]


def _update(world: World) -> list[str]:
    stack = world.folder / "clone" / world.platform.infra.stack("app-000")
    return ["update", str(stack), "--pull-request", "--platform", str(world.sandbox.profile), "--json"]


def _push(world: World) -> list[str]:
    return ["secrets", "push", NAME, "--yes", "--service-dir", str(world.folder / NAME), *_places(world)]


def _replace(world: World) -> list[str]:
    return [*_push(world), "--replace", f"api_token=env:{REPLACED}"]


CREATE = Command("create", _nothing, _create)
CHANGE = Command("change", _merged, _change)
FINISH = Command("change, after its merge", _changed, _finish)
REMOVE = Command("remove", _created, _remove)
UPDATE = Command("update --pull-request", _released, _update)
PUSH = Command("secrets push", _lost_secrets, _push)
REPLACE = Command("secrets push --replace", _another_value, _replace)

SAMPLED = (CHANGE, FINISH, REMOVE, UPDATE, PUSH, REPLACE)
"""All but ``create``, which meets every fault at every request."""
