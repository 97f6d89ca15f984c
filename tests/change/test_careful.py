"""What a change never does, however it is continued: leave a copy open, open one that a person closed, undo a person's
words."""

from __future__ import annotations

import pytest

from generator.sandbox import FaultKind, Status
from generator.sandbox.forgejo.state import Repository
from generator.sandbox.github.state import Secret
from tests.answers import RICH, SMALLEST
from tests.change.forge import PREFIX, change, merge_all, recorded
from tests.full import few, full
from tests.world import World

NAME = str(RICH["name"])
PUBLIC = {**SMALLEST, "ci": False, "image_visibility": "public"}


def test_a_change_of_an_open_onboarding_that_stopped_is_continued_on_each_system(world: World) -> None:
    """Killed after its commit: the branch records the new answers, and no system follows them yet."""
    flags = ("--image-visibility", "private", "--set", "secrets.ZONE=zone")
    assert world.run("create", {**RICH, "image_visibility": "public"}).code == 0
    assert change(world, NAME, *flags).code == 0
    canonical, mirror = world.canonical(NAME), world.mirror(NAME)
    canonical.private = mirror.private = False
    mirror.secrets.clear()

    for again in (flags, ()):
        done = change(world, NAME, *again)
        assert done.code == 0, done.out + done.err
        assert (canonical.private, mirror.private, bool(mirror.secrets)) == (True, True, True)
        canonical.private = mirror.private = False
        mirror.secrets.clear()


def test_consent_to_something_else_opens_no_copy_that_a_person_closed(world: World) -> None:
    world.have(PUBLIC)
    name = str(PUBLIC["name"])
    world.merge(name)
    canonical, mirror = world.canonical(name), world.mirror(name)
    canonical.private = mirror.private = True

    gate = ("--auth", "none", "--auth-reason", "it is for everyone", "--open")
    done = change(world, name, "--description", "Keeps other notes", *gate)

    assert done.code == 0, done.out + done.err
    assert (canonical.private, mirror.private) == (True, True)
    assert canonical.description.startswith("Keeps other notes")


def test_a_declined_change_leaves_no_copy_open(world: World) -> None:
    """The copies are opened before the merge. Once the pull request is closed, the stack still says private."""
    world.have(RICH)
    world.merge(NAME)
    assert change(world, NAME, "--image-visibility", "public", "--open").code == 0
    canonical, mirror = world.canonical(NAME), world.mirror(NAME)
    assert (canonical.private, mirror.private) == (False, False)
    for pull in (*world.infra.pulls.values(), *canonical.pulls.values()):
        pull.state = "closed"

    done = change(world, NAME)

    assert done.code == 0, done.out + done.err
    assert (canonical.private, mirror.private) == (True, True)
    assert change(world, NAME).result["status"] == "unchanged"


@full
def test_undo_takes_back_all_of_a_pull_request_and_no_earlier_one(world: World) -> None:
    world.have(RICH)
    world.merge(NAME)
    assert change(world, NAME, "--memory", "1Gi").code == 0
    merge_all(world, NAME)
    before = recorded(world, NAME)
    for flags in (("--cpu", "20m"), ("--env", "OTHER=1")):
        assert change(world, NAME, *flags).code == 0
    merge_all(world, NAME)

    assert change(world, NAME, "--undo").code == 0
    merge_all(world, NAME)

    assert recorded(world, NAME) == before


def proposal(found: Repository, name: str) -> str:
    (title,) = (pull.title for pull in found.pulls.values() if pull.head == f"{PREFIX}{name}")
    return title


def test_a_draft_stays_one_and_a_mirror_of_others_gets_no_secret(world: World) -> None:
    assert world.run("create", {**RICH, "ci": False}).code == 0
    world.merge(NAME)
    assert change(world, NAME, "--memory", "1Gi").code == 0
    for pull in world.infra.pulls.values():
        pull.title = f"WIP: {pull.title}"

    assert change(world, NAME, "--cpu", "20m").code == 0
    assert proposal(world.infra, NAME).startswith("WIP: ")

    mirror = world.mirror(NAME)
    mirror.description = "someone else's"
    refused = change(world, NAME, "--ci")
    assert refused.code == 4, refused.out
    assert not mirror.secrets


def test_a_secret_that_people_gave_the_mirror_stays(world: World) -> None:
    """Also under a name that the profile has, for a workflow of their own: newservice removes only what it wrote."""
    world.have(PUBLIC)
    name = str(PUBLIC["name"])
    world.merge(name)
    mirror = world.mirror(name)
    mirror.secrets["SLACK_WEBHOOK"] = Secret(b"", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")

    assert change(world, name, "--memory", "1Gi").code == 0
    merge_all(world, name)
    assert change(world, name).result["status"] == "unchanged"

    assert list(mirror.secrets) == ["SLACK_WEBHOOK"]


@pytest.mark.parametrize("kind", few(1, [FaultKind.HTML_200, Status(404, "<html>", "text/html")]), ids=["200", "404"])
def test_a_page_of_a_proxy_is_no_record(world: World, kind: FaultKind | Status) -> None:
    """Where the record of the merged change is looked up: with none, nothing would be left to do."""
    world.have(RICH)
    world.merge(NAME)
    assert change(world, NAME, "--no-ci").code == 0
    merge_all(world, NAME)
    world.sandbox.faults.add("forgejo", "GET", "/infra/raw/", None, kind)

    done = change(world, NAME)

    assert (done.code, done.of("error")[0]["code"]) == (3, "forgejo.not_json"), done.out
    assert world.mirror(NAME).secrets
    world.sandbox.faults.clear()
    assert change(world, NAME).code == 0
    assert world.mirror(NAME).secrets == {}
