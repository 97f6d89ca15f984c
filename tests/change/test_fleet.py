"""Changes that are under way, as commands on the fleet see them; and updates of a service that is being changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.answers import SMALLEST
from tests.change.forge import PREFIX, change, merge, merge_all
from tests.full import few
from tests.world import Completed, World

APP: dict[str, Any] = {**SMALLEST, "name": "notes-app", "port": 8080}

looks = pytest.mark.parametrize("look", few(1, ["status", "list"]))


@pytest.fixture
def changed(world: World) -> str:
    """A service with a repository of its own whose change waits in both."""
    world.have(APP)
    world.merge("notes-app")
    assert change(world, "notes-app", "--port", "9000").code == 0
    return "notes-app"


def trees(completed: Completed) -> dict[str, dict[str, Any]]:
    """What was found of a service's trees, by layer."""
    assert completed.code == 0, completed.out
    return {item["layer"]: item for item in completed.of("service")}


def states(found: dict[str, dict[str, Any]]) -> tuple[str, str]:
    return found["stack"]["state"], found["service"]["state"]


@looks
def test_a_change_that_waits(world: World, changed: str, look: str) -> None:
    found = trees(world.command("fleet", look))
    assert states(found) == ("waiting", "waiting")
    for item in found.values():
        assert item["hint"] == f"review and merge {item['url']}"
        assert "/pulls/" in item["url"]
    merge_all(world, changed)
    assert states(trees(world.command("fleet", look))) == ("current", "current")


@looks
def test_one_of_two_is_merged(world: World, changed: str, look: str) -> None:
    merge(world, world.infra, f"{PREFIX}{changed}")
    assert states(trees(world.command("fleet", look))) == ("current", "waiting")


@looks
def test_a_change_in_one_layer_only(world: World, changed: str, look: str) -> None:
    merge(world, world.infra, f"{PREFIX}{changed}")
    canonical = world.canonical(changed)
    canonical.bare.delete(f"refs/heads/{PREFIX}{changed}")
    canonical.pulls.clear()
    found = trees(world.command("fleet", look))
    assert states(found) == ("current", "unfinished")
    assert "other answers to port" in found["service"]["message"]
    assert found["service"]["hint"] == f"newservice change {changed}"


@looks
def test_a_change_without_its_pull_request(world: World, changed: str, look: str) -> None:
    world.infra.pulls.clear()
    found = trees(world.command("fleet", look))
    assert states(found) == ("unfinished", "waiting")
    assert found["stack"]["hint"] == f"newservice change {changed}"


@looks
def test_a_changed_memory_leaves_the_repository_alone(world: World, look: str) -> None:
    world.have(APP)
    world.merge("notes-app")
    assert change(world, "notes-app", "--memory", "1Gi").code == 0
    merge_all(world, "notes-app")
    assert states(trees(world.command("fleet", look))) == ("current", "current")
