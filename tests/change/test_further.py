"""A change after another one, of one field of an entry, and what is said about it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.answers import RICH, SMALLEST, UPSTREAM
from tests.change.forge import PREFIX, change, merge_all, recorded, state, waiting
from tests.world import Completed, World

NAME = "reader"


def created(world: World, given: dict[str, Any]) -> str:
    """A service that is merged."""
    world.have(given, "--yes")
    world.merge(given["name"])
    return str(given["name"])


def error(completed: Completed) -> dict[str, Any]:
    (found,) = completed.of("error")
    return found


def test_a_second_change_of_the_same_place_after_a_merge(world: World) -> None:
    created(world, UPSTREAM)
    for number, value in enumerate(["one", "two", "three"], 1):
        done = change(world, NAME, "--env", f"MODE={value}")
        assert done.code == 0, done.out
        assert done.result["urls"]["pull_request"].endswith(f"/pulls/{number}")
        assert change(world, NAME, "--env", f"MODE={value}").result["status"] == "unchanged"
        merge_all(world, NAME)
    assert recorded(world, NAME)["env"] == {"MODE": "three"}
    assert world.infra.bare.count(world.base) > 3
    before = state(world, NAME)
    assert change(world, NAME).result["status"] == "unchanged"
    assert state(world, NAME) == before


def test_a_change_after_one_that_was_declined(world: World) -> None:
    created(world, UPSTREAM)
    assert change(world, NAME, "--env", "MODE=one").code == 0
    (pull,) = [item for item in world.infra.pulls.values() if item.head == f"{PREFIX}{NAME}"]
    pull.state, pull.closed = "closed", "2026-08-01T00:00:00Z"
    done = change(world, NAME, "--env", "MODE=two")
    assert done.code == 0, done.out
    assert done.result["urls"]["pull_request"].endswith("/pulls/2")
    assert change(world, NAME, "--env", "MODE=two").result["status"] == "unchanged"
    merge_all(world, NAME)
    assert recorded(world, NAME)["env"] == {"MODE": "two"}


def test_one_field_of_an_entry(world: World) -> None:
    jobs = [{"name": "poll", "schedule": "0 * * * *", "command": ["poll"], "suspend": True, "memory": "64Mi"}]
    volumes = [{"name": "data", "mount": "/data", "size": "2Gi"}, {"name": "media", "kind": "nfs", "mount": "/media"}]
    created(world, {**UPSTREAM, "cronjobs": jobs, "volumes": volumes, "probe": {"kind": "http", "path": "/alive"}})
    fields = ("cronjobs.poll.suspend=false", "cronjobs.poll.schedule=*/30 * * * *", "volumes.data.limit=30Gi")
    sets = [word for field in fields for word in ("--set", field)]
    done = change(world, NAME, *sets, "--probe", "{startup_seconds: 300}")
    assert done.code == 0, done.out
    merge_all(world, NAME)
    after = recorded(world, NAME)
    assert after["cronjobs"] == [{**jobs[0], "suspend": False, "schedule": "*/30 * * * *"}]
    assert after["volumes"] == [{**volumes[0], "limit": "30Gi"}, volumes[1]]
    assert after["probe"] == {"kind": "http", "path": "/alive", "startup_seconds": 300}


def test_an_incomplete_entry_says_how_one_field_is_changed(world: World) -> None:
    created(world, {**UPSTREAM, "volumes": [{"name": "data", "mount": "/data"}]})
    refused = change(world, NAME, "--volumes", "name=data,limit=30Gi")
    assert refused.code == 2
    assert error(refused)["hint"].startswith("an entry is replaced whole; --set volumes.data.FIELD=VALUE changes")
    assert "--set volumes" not in error(change(world, NAME, "--volumes", "name=other,limit=30Gi"))["hint"]
    assert waiting(world, NAME) == []


def test_a_recorded_answer_that_others_make_invalid_says_why(world: World) -> None:
    created(world, {**UPSTREAM, "memory": "128Mi", "memory_limit": "160Mi"})
    refused = error(change(world, NAME, "--memory", "512Mi"))
    assert (refused["code"], refused["question"]) == ("answer.invalid", "memory_limit")
    assert "160Mi is less than the 512Mi" in refused["message"]
    assert refused["hint"] == "memory_limit is recorded; change it as well, with --set memory_limit=..."


@pytest.mark.parametrize("given", [{**RICH, "image_visibility": "public"}, {**SMALLEST, "ci": False}])
def test_what_is_to_be_applied_has_a_name(world: World, given: dict[str, Any]) -> None:
    """Entries in documents need nobody to apply them."""
    name = created(world, given)
    merge_all(world, name)
    done = change(world, name, "--image-visibility", "private" if "image_visibility" in given else "public", "--open")
    assert done.code == 0, done.out
    assert done.result["checklist"]["pipeline"]
    assert all(done.result["checklist"]["pipeline"])
    assert not [line for line in done.result["next"] if not line.removeprefix("apply").strip()]


def test_what_is_new_is_named_and_what_the_service_had_is_not(world: World) -> None:
    media, more = {"name": "media", "kind": "nfs", "mount": "/media"}, "name=more,kind=nfs,mount=/more"
    created(world, {**UPSTREAM, "volumes": [media], "secrets": {"TOKEN": "token"}})
    done = change(world, NAME, "--volumes", more, "--secrets", "KEY=key")
    assert done.code == 0, done.out
    folders = [line for line in done.result["next"] if line.startswith("make ")]
    assert [f"/{NAME}/more " in line and "/media" not in line for line in folders] == [True]
    assert [line for line in done.result["next"] if line.startswith("look at ")]
    merge_all(world, NAME)
    done = change(world, NAME, "--memory", "1Gi")
    assert done.result["checklist"]["pipeline"] == [NAME]
    assert not [line for line in done.result["next"] if line.startswith(("make ", "look at "))]


def test_what_waits_for_review_is_not_agreed_to_again(world: World) -> None:
    name = created(world, {**UPSTREAM, "volumes": [{"name": "data", "mount": "/data"}]})
    groups = ("--set", 'access=["Home Server Admins", "Guests"]', "--open")
    volume = ("--unset", "volumes.data", "--accept-loss", "volumes.data")
    assert change(world, name, *groups, *volume).code == 0

    for again in ((), (*groups, *volume)):
        assert change(world, name, *again).result["status"] == "unchanged"
    assert change(world, name, "--title", "Field Notes").code == 0
    assert error(change(world, name, "--auth", "none", "--auth-reason", "for all"))["code"] == "change.opens"
    assert error(change(world, name, "--namespace", "other"))["code"] == "change.loss"


def test_what_a_waiting_change_opened_is_closed_again(world: World) -> None:
    name = created(world, {**SMALLEST, "image_visibility": "private"})
    assert change(world, name, "--image-visibility", "public", "--open").code == 0
    assert (world.canonical(name).private, world.mirror(name).private) == (False, False)
    done = change(world, name, "--image-visibility", "private")
    assert done.code == 0, done.out
    assert (world.canonical(name).private, world.mirror(name).private) == (True, True)


def test_ci_that_returns_before_the_merge_has_its_secrets_again(world: World) -> None:
    name = created(world, SMALLEST)
    before = state(world, name)
    assert change(world, name, "--no-ci", "--updates", "keel").code == 0
    done = change(world, name, "--ci", "--updates", "ci")
    assert done.code == 0, done.out
    after = state(world, name)
    assert before["secrets"]
    assert (after["secrets"], after["woodpecker"]) == (before["secrets"], before["woodpecker"])


def test_an_image_changes_its_visibility_by_hand(world: World) -> None:
    """A registry takes that from people only. What the cluster pulls without a secret has to be public before."""
    name = created(world, {**SMALLEST, "image_visibility": "private"})
    opened = change(world, name, "--image-visibility", "public", "--open").result["next"]
    assert opened[0].startswith("make ghcr.io/")
    assert " public in its registry" in opened[0]
    (pull,) = [item for item in world.infra.pulls.values() if item.head == f"{PREFIX}{name}"]
    assert "Before the merge, in this order:\n\n- [ ] `make ghcr.io/" in pull.body
    merge_all(world, name)
    closed = change(world, name, "--image-visibility", "private").result["next"]
    assert [" private in its registry" in line for line in closed if line.startswith("make ")] == [True]
    assert closed[0].startswith("review and merge")


def test_nothing_is_to_be_applied_where_only_a_record_changes(world: World) -> None:
    created(world, {**UPSTREAM, "image": "example/reader:1.4.2"})
    done = change(world, NAME, "--image", "docker.io/example/reader:1.4.2")
    assert done.code == 0, done.out
    assert "checklist" not in done.result


def test_help_promises_no_defaults(world: World) -> None:
    """What is not given stays as it is recorded."""
    told = world.tell(["change", "--help"]).out
    assert "--memory TEXT" in told
    assert "[required" not in told
    assert "[default" not in told
