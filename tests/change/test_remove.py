"""What becomes of a change when its service is removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.answers import SMALLEST, UPSTREAM
from tests.change.forge import PREFIX, change, merge, merge_all
from tests.full import few, full
from tests.world import Completed, World

APP: dict[str, Any] = {**SMALLEST, "name": "notes-app", "port": 8080}
READER: dict[str, Any] = {**UPSTREAM, "port": 8080}


def of(completed: Completed, step: str) -> dict[str, Any]:
    """A step of a removal's plan."""
    return next(item for item in completed.of("plan")[0]["steps"] if item["id"] == step)


def merge_removal(world: World, name: str) -> None:
    merge(world, world.infra, f"newservice-remove/{name}")


@pytest.fixture
def reader(world: World) -> str:
    """A service of a third-party image, merged, with a change that waits."""
    world.have(READER)
    world.merge("reader")
    assert change(world, "reader", "--port", "9000").code == 0
    return "reader"


def test_a_waiting_change_goes_with_its_service(world: World, reader: str) -> None:
    completed = world.command("remove", reader, "--yes")
    assert completed.code == 0, completed.out
    assert f"{PREFIX}{reader}" not in world.infra.bare.heads()
    (pull,) = [item for item in world.infra.pulls.values() if item.head == f"{PREFIX}{reader}"]
    assert (pull.state, pull.merged) == ("closed", None)
    merge_removal(world, reader)
    completed = world.command("remove", reader, "--yes")
    assert completed.code == 0, completed.out
    assert not [item for item in world.infra.bare.heads() if item.endswith(f"/{reader}")]
    assert world.command("remove", reader, "--yes").result["status"] == "unchanged"


def test_a_change_with_a_reviewers_commit_stays(world: World, reader: str) -> None:
    branch = f"{PREFIX}{reader}"
    world.infra.bare.commit_files(branch, {"stacks/reader/note.md": b"seen\n"}, "docs: a note", 1_790_000_000)
    completed = world.command("remove", reader, "--yes")
    assert completed.code == 0, completed.out
    assert "has commits of others" in of(completed, "infra.change_commit")["summary"]
    assert branch in world.infra.bare.heads()
    assert next(item for item in world.infra.pulls.values() if item.head == branch).state == "open"
    assert any(branch in line for line in completed.result["next"])


def test_a_change_that_someone_amended_stays(world: World, reader: str) -> None:
    branch, bare = f"{PREFIX}{reader}", world.infra.bare
    head = bare.heads()[branch]
    message = bare.log(branch, limit=1)[0].message
    edited = (bare.file(branch, "stacks/reader/main.tf") or b"") + b"# mine\n"
    bare.update(f"refs/heads/{branch}", bare.heads()[world.base])
    bare.commit_files(branch, {"stacks/reader/main.tf": edited}, f"{message}\n", 1_790_000_000)
    assert bare.heads()[branch] != head
    completed = world.command("remove", reader, "--dry-run")
    assert "stacks/reader/main.tf" in of(completed, "infra.change_commit")["summary"], completed.out


def test_an_onboarding_with_a_change_is_still_newservices(world: World) -> None:
    world.have(READER)
    assert change(world, "reader", "--port", "9000", "--memory", "1Gi").code == 0
    completed = world.command("remove", "reader", "--yes")
    assert completed.code == 0, completed.out
    assert "newservice/reader" not in world.infra.bare.heads()
    assert world.command("remove", "reader", "--yes").result["status"] == "unchanged"


@pytest.mark.parametrize("merged", few(1, [True, False]), ids=["merged", "waiting"])
def test_a_repository_with_a_change_is_still_newservices(world: World, merged: bool) -> None:
    world.have(APP)
    world.merge("notes-app")
    assert change(world, "notes-app", "--port", "9000").code == 0
    if merged:
        merge_all(world, "notes-app")
    world.sandbox.forgejo.wait_for_mirrors()
    assert world.command("remove", "notes-app", "--yes").code == 0
    merge_removal(world, "notes-app")
    completed = world.command("remove", "notes-app", "--yes")
    assert completed.code == 0, completed.out
    assert [item for item in world.sandbox.forgejo.repositories if item.endswith("/notes-app")] == [], completed.out
    assert [item for item in world.sandbox.github.repositories if item.endswith("/notes-app")] == []


def test_a_repository_with_a_reviewers_commit_on_its_change_stays(world: World) -> None:
    world.have(APP)
    world.merge("notes-app")
    assert change(world, "notes-app", "--port", "9000").code == 0
    canonical = world.canonical("notes-app")
    canonical.bare.commit_files(f"{PREFIX}notes-app", {"note.md": b"seen\n"}, "docs: a note", 1_790_000_000)
    assert world.command("remove", "notes-app", "--yes").code == 0
    merge_removal(world, "notes-app")
    completed = world.command("remove", "notes-app", "--yes")
    assert "has commits of others" in of(completed, "forgejo.repository")["summary"], completed.out
    assert world.canonical("notes-app") is canonical


@full
def test_what_a_waiting_change_added_goes_as_well(world: World) -> None:
    """The first secret, and with CI the registration: the merged answers, and the stack that may run, know of none."""
    assert world.run("create", {**APP, "ci": False}).code == 0
    world.merge("notes-app")
    done = change(world, "notes-app", "--ci", "--set", 'secrets={"TOKEN": "token"}')
    assert done.code == 0, done.out
    assert world.has_secret("notes-app")
    registered = world.sandbox.woodpecker.repositories
    assert len(registered) == 2  # the infra repository's is one of them
    completed = world.command("remove", "notes-app", "--yes")
    assert completed.code == 0, completed.out
    assert not world.has_secret("notes-app")
    assert len(registered) == 1
    assert world.canonical("notes-app") is not None
