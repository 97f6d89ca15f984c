"""What a change meets: edits, an open onboarding, reviewers' commits, one of two merged; and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from generator.sandbox.forgejo.state import Repository
from tests.answers import RICH, SMALLEST, UPSTREAM
from tests.change.forge import PREFIX, change, files, merge, merge_all, recorded, repositories, state, waiting
from tests.full import few, full
from tests.world import World

NAME = str(RICH["name"])
BRANCH = f"{PREFIX}{NAME}"
STACK = f"stacks/{NAME}"


def made(world: World, given: dict[str, Any], *, merged: bool = True) -> str:
    """A service, with its stack merged."""
    world.have(given)
    if merged:
        world.merge(str(given["name"]))
    return str(given["name"])


def edit(found: Repository, branch: str, path: str, old: bytes, new: bytes) -> str:
    """Someone's commit."""
    content = found.bare.file(branch, path) or b""
    assert old in content
    return found.bare.commit_files(branch, {path: content.replace(old, new)}, "fix: by hand", 1_790_000_000)


def test_edits_by_people_stay(world: World) -> None:
    made(world, RICH)
    edit(world.infra, world.base, f"{STACK}/deployment.tf", b"resource ", b"# ours\nresource ")
    edit(world.canonical(NAME), world.branch, "README.md", b"## ", b"## By hand\n\n## ")

    assert change(world, NAME, "--memory", "1Gi", "--description", "Guides").code == 0
    merge_all(world, NAME)

    assert files(world.infra)[f"{STACK}/deployment.tf"].startswith(b"# ours\n")
    assert b'memory = "1Gi"' in files(world.infra)[f"{STACK}/deployment.tf"]
    assert b"By hand" in files(world.canonical(NAME))["README.md"]
    assert b"Guides" in files(world.canonical(NAME))["README.md"]


def test_a_conflict_is_named_and_nothing_is_written(world: World) -> None:
    made(world, RICH)
    edit(world.infra, world.base, f"{STACK}/deployment.tf", b'memory = "256Mi"', b'memory = "300Mi"')
    before = world.infra.bare.references()

    done = change(world, NAME, "--memory", "1Gi", "--title", "Town Guide")

    assert (done.code, done.result["status"]) == (6, "refused")
    (plan,) = done.of("plan")
    assert {"repo": "infra", "path": f"{STACK}/deployment.tf", "action": "conflict"} in plan["files"]
    assert world.infra.bare.references() == before
    assert waiting(world, NAME) == []


def test_the_open_onboarding_gets_one_more_commit(world: World) -> None:
    made(world, RICH, merged=False)
    head = world.infra.bare.heads()[f"newservice/{NAME}"]

    done = change(world, NAME, "--memory", "1Gi")

    assert done.code == 0, done.out
    bare = world.infra.bare
    assert bare.is_ancestor(head, bare.heads()[f"newservice/{NAME}"])
    assert bare.count(f"newservice/{NAME}") - bare.count(world.base) == 2
    assert [pull.head for pull in world.infra.pulls.values()] == [f"newservice/{NAME}"]
    assert "memory" in next(iter(world.infra.pulls.values())).body
    assert change(world, NAME, "--memory", "1Gi").result["status"] == "unchanged"
    world.merge(NAME)
    assert recorded(world, NAME)["memory"] == "1Gi"


def test_an_open_change_gets_one_more_commit_and_reviewers_commits_stay(world: World) -> None:
    made(world, RICH)
    change(world, NAME, "--memory", "1Gi")
    edit(world.infra, BRANCH, f"{STACK}/deployment.tf", b"resource ", b"# reviewed\nresource ")
    head = world.infra.bare.heads()[BRANCH]

    done = change(world, NAME, "--env", "OTHER=1")

    assert done.code == 0, done.out
    assert world.infra.bare.is_ancestor(head, world.infra.bare.heads()[BRANCH])
    (pull,) = [pull for pull in world.infra.pulls.values() if pull.head == BRANCH]
    assert "`memory`" in pull.body
    assert "`env.OTHER`" in pull.body
    merge_all(world, NAME)
    assert files(world.infra)[f"{STACK}/deployment.tf"].startswith(b"# reviewed\n")
    assert (recorded(world, NAME)["memory"], recorded(world, NAME)["env"]["OTHER"]) == ("1Gi", "1")


def test_a_branch_that_can_no_longer_be_merged_is_brought_up(world: World) -> None:
    """Someone changed the same lines on the default branch, by an update or another tool."""
    made(world, RICH)
    change(world, NAME, "--description", "Guides people through cities")
    place = ".claude/reference/service-catalog.md"
    line = next(
        line for line in (world.infra.bare.file(world.base, place) or b"").splitlines() if b"city-guide" in line
    )
    edit(world.infra, world.base, place, line + b"\n", line + b"\n| neighbour | a | b |\n")

    done = change(world, NAME)

    assert done.code == 0, done.out
    merge_all(world, NAME)
    assert b"| neighbour |" in files(world.infra)[place]
    assert b"Guides people through cities" in files(world.infra)[place]


@pytest.mark.parametrize("first", few(1, [1, 0]), ids=["service", "infra"])
def test_after_one_of_two_is_merged_the_other_still_waits(world: World, first: int) -> None:
    made(world, RICH)
    change(world, NAME, "--title", "Town Guide")
    merge(world, repositories(world, NAME)[first], BRANCH)

    again = change(world, NAME, "--title", "Town Guide")

    assert (again.code, again.result["status"]) == (0, "unchanged"), again.out
    merge_all(world, NAME)
    assert change(world, NAME).result["status"] == "unchanged"
    assert b"Town Guide" in files(world.canonical(NAME))["README.md"]


@full
def test_a_declined_change_is_left_behind(world: World) -> None:
    """A pull request that was closed unmerged was not wanted: the next change begins with the default branch."""
    made(world, RICH)
    change(world, NAME, "--memory", "1Gi")
    for pull in world.infra.pulls.values():
        pull.state = "closed"

    done = change(world, NAME, "--env", "OTHER=1")

    assert done.code == 0, done.out
    merge_all(world, NAME)
    assert (recorded(world, NAME)["memory"], recorded(world, NAME)["env"]["OTHER"]) == ("256Mi", "1")


def test_undo_restores_the_answers_from_before_the_last_merged_change(world: World) -> None:
    made(world, RICH)
    before = state(world, NAME)
    change(world, NAME, "--memory", "1Gi", "--title", "Town Guide", "--env", "OTHER=1")
    early = change(world, NAME, "--undo")
    assert (early.code, early.of("error")[0]["code"]) == (4, "change.waiting")
    merge_all(world, NAME)

    assert change(world, NAME, "--undo").code == 0
    merge_all(world, NAME)

    assert state(world, NAME) == before


@pytest.mark.parametrize(
    ("given", "flags", "code", "error"),
    [
        (UPSTREAM, ("--set", "name=other"), 4, "change.rename"),
        (UPSTREAM, ("--image-source", "owned"), 4, "change.image_source"),
        (RICH, ("--language", "go"), 4, "change.source"),
        (UPSTREAM, ("--undo",), 4, "change.no_earlier"),
        (UPSTREAM, ("--undo", "--memory", "1Gi"), 2, "change.undo"),
        (UPSTREAM, ("--unset", "env.NONE"), 2, "answer.unset"),
        (UPSTREAM, ("--memory", "lots"), 2, "answer.invalid"),
        (RICH, ("--namespace", "elsewhere"), 4, "change.loss"),
        pytest.param(RICH, ("--db", "none", "--unset", "env.DATABASE_HOST"), 4, "change.loss", marks=full),
        pytest.param(RICH, ("--unset", "volumes.data"), 4, "change.loss", marks=full),
        pytest.param(RICH, ("--image-visibility", "public"), 4, "change.opens", marks=full),
        (SMALLEST, ("--auth", "none", "--auth-reason", "it is for everyone"), 4, "change.opens"),
    ],
    ids=lambda value: "_".join(value).replace("--", "") if isinstance(value, tuple) else None,
)
def test_what_is_refused_writes_nothing(
    world: World, given: dict[str, Any], flags: tuple[str, ...], code: int, error: str
) -> None:
    name = made(world, given)
    world.sandbox.journal.clear()

    done = change(world, name, *flags)

    assert (done.code, done.of("error")[0]["code"]) == (code, error), done.out
    assert waiting(world, name) == []
    assert {item.method for item in world.sandbox.journal if ".git/" not in item.path} <= {"GET"}


def test_a_service_that_does_not_exist(world: World) -> None:
    done = change(world, "nothing", "--memory", "1Gi")

    assert (done.code, done.of("error")[0]["code"]) == (2, "status.unknown")
