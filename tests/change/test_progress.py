"""A change that is under way, as other commands see it: waiting, half merged, stopped, or made in one layer only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.answers import SMALLEST, UPSTREAM
from tests.change.forge import PREFIX, change, merge, merge_all, repositories, waiting
from tests.full import few
from tests.world import Completed, World

APP: dict[str, Any] = {**SMALLEST, "name": "notes-app", "port": 8080}


@pytest.fixture
def app(world: World) -> str:
    """A service with a repository of its own, merged."""
    world.have(APP)
    world.merge("notes-app")
    return "notes-app"


@pytest.fixture
def changed(world: World, app: str) -> str:
    """The same with a change of both layers that waits for review."""
    done = change(world, app, "--port", "9000")
    assert done.code == 0, done.out
    assert waiting(world, app) == ["infra", app]
    return app


def steps(completed: Completed) -> dict[str, tuple[str, str]]:
    """State and action of each step of a plan by its id."""
    return {item["id"]: (item["state"], item["action"]) for item in completed.of("plan")[0]["steps"]}


def told(world: World, *arguments: str) -> str:
    """What a command says to people."""
    platform = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra))
    completed = world.tell([*arguments, *platform])
    return " ".join(completed.out.split())


def reviews(world: World, name: str) -> list[str]:
    """What a person does about pull requests that wait, the service's first."""
    places = [found for found in reversed(repositories(world, name)) if f"{PREFIX}{name}" in found.bare.heads()]
    numbers = [next(n for n, pull in found.pulls.items() if pull.head == f"{PREFIX}{name}") for found in places]
    return [
        f"review and merge {world.sandbox.forgejo.views.web}/{found.full_name}/pulls/{number}"
        for found, number in zip(places, numbers, strict=True)
    ]


def of_change(completed: Completed) -> list[str]:
    return [step for step in steps(completed) if ".change_" in step]


def test_status_of_a_service_without_a_change_shows_no_step_of_one(world: World, app: str) -> None:
    completed = world.command("status", app)
    assert completed.result["status"] == "unchanged", completed.out
    assert of_change(completed) == []


def test_a_change_that_waits(world: World, changed: str) -> None:
    completed = world.command("status", changed)
    assert set(steps(completed).values()) == {("present", "none")}, completed.out
    assert of_change(completed) == [
        "service.change_commit",
        "service.change_request",
        "infra.change_commit",
        "infra.change_request",
    ]
    assert completed.result["status"] == "unchanged"
    assert completed.result["next"] == reviews(world, changed)
    assert f"a change of {changed} waits for review" in told(world, "status", changed)


def test_a_service_is_verified_by_the_answers_in_force_while_its_change_waits(world: World, changed: str) -> None:
    completed = world.command("verify", changed)
    checks = [item["state"] for item in completed.of("check") if item["id"].startswith("infra.")]
    assert "ok" in checks, completed.out
    assert set(checks) <= {"ok", "skipped", "unknown"}, completed.out  # which run applied it is not known here
    assert completed.result["next"][-2:] == reviews(world, changed)


@pytest.mark.parametrize("first", few(1, ["infra", "notes-app"]))
def test_one_of_two_is_merged(world: World, changed: str, first: str) -> None:
    merge(world, world.canonical(first), f"{PREFIX}{changed}")
    completed = world.command("status", changed)
    assert set(steps(completed).values()) == {("present", "none")}, completed.out
    assert completed.result["next"] == reviews(world, changed)
    assert f"waits for review, and is merged in viktor/{first}" in told(world, "status", changed)
    assert len(completed.result["next"]) == 1
    assert change(world, changed).result["status"] == "unchanged"
    assert world.command("verify", changed).result["next"][-1:] == completed.result["next"]
    merge_all(world, changed)
    completed = world.command("status", changed)
    assert (completed.result["status"], of_change(completed)) == ("unchanged", [])


def test_a_change_whose_pull_request_is_missing(world: World, changed: str) -> None:
    world.infra.pulls.clear()
    completed = world.command("status", changed)
    assert steps(completed)["infra.change_request"] == ("absent", "create")
    assert completed.result["next"] == [f"newservice change {changed}"]
    done = change(world, changed)
    assert done.code == 0, done.out
    assert world.command("status", changed).result["next"] == reviews(world, changed)


def test_a_change_that_was_made_by_hand_in_one_layer(world: World, app: str) -> None:
    done = change(world, app, "--port", "9000")
    assert done.code == 0, done.out
    merge(world, world.canonical(app), f"{PREFIX}{app}")
    world.infra.bare.delete(f"refs/heads/{PREFIX}{app}")
    world.infra.pulls.clear()
    completed = world.command("status", app)
    assert steps(completed)["service.change_commit"] == ("drifted", "update")
    assert "viktor/notes-app is made with other answers to port than the stack" in told(world, "status", app)
    assert completed.result["next"] == [f"newservice change {app}"]
    done = change(world, app)
    assert done.code == 0, done.out
    merge_all(world, app)
    assert of_change(world.command("status", app)) == []


def test_an_onboarding_that_waits_is_no_change(world: World) -> None:
    world.have(APP)
    assert of_change(world.command("status", "notes-app")) == []
    done = change(world, "notes-app")
    assert done.result["status"] == "unchanged", done.out
    assert "what changes" not in next(iter(world.infra.pulls.values())).body


def test_a_change_of_an_onboarding_that_waits_is_described_once(world: World) -> None:
    world.have(APP)
    assert change(world, "notes-app", "--memory", "1Gi").code == 0
    (pull,) = world.infra.pulls.values()
    assert "`memory`" in (described := pull.body)
    again = change(world, "notes-app", "--memory", "1Gi")
    assert again.result["status"] == "unchanged", again.out
    assert pull.body == described


@pytest.mark.parametrize("merged", few(1, [["infra"], [], ["notes-app"], ["infra", "notes-app"]]), ids="+".join)
def test_create_changes_nothing_while_a_change_waits_and_after_its_merge(
    world: World, changed: str, merged: list[str]
) -> None:
    for name in merged:
        merge(world, world.canonical(name), f"{PREFIX}{changed}")
    completed = world.run("create", {**APP, "port": 9000})
    assert completed.result["status"] == "unchanged", completed.out
    if not merged:
        completed = world.run("create", APP)
        assert completed.result["status"] == "unchanged", completed.out


def test_looking_for_a_change_takes_three_requests(world: World, app: str) -> None:
    world.sandbox.journal.clear()
    assert world.command("status", app).code == 0
    asked = [item.path.rpartition("/repos/")[2] for item in world.sandbox.journal if item.system == "forgejo"]
    assert asked.count("viktor/infra/branches") == 2  # one finds the answers, the other belongs to the look itself
    assert asked.count("viktor/notes-app/branches") == 1
    assert asked.count("viktor/notes-app/raw/.copier-answers.yml") == 2
    assert asked.count("viktor/notes-app/commits") == 1  # the proof of whose it is
    assert not [path for path in asked if "/pulls/" in path or "infra/commits" in path]


def test_the_second_of_two_onboardings_needs_create_again(world: World) -> None:
    names = ["reader-0", "reader-1"]
    for name in names:
        assert world.run("create", {**UPSTREAM, "name": name}).code == 0
    merge(world, world.infra, f"newservice/{names[0]}")
    assert steps(world.command("status", names[1]))["infra.commit"] == ("drifted", "update")
    completed = world.command("verify", names[1])
    assert any("can no longer be merged" in item["summary"] for item in completed.of("check")), completed.out
    assert any(line.startswith(f"newservice create {names[1]}") for line in completed.result["next"])
    assert world.run("create", {**UPSTREAM, "name": names[1]}).code == 0
    assert "review and merge" in str(world.command("verify", names[1]).result["next"])
