"""The link from Forgejo to GitHub: what its forced push must never destroy, and how it is mended."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from generator.base.errors import SystemFailure
from generator.base.secrets import Secret
from generator.clients.github import GitHub
from generator.clients.patience import Patience
from generator.platform.profile import load_platform
from generator.sandbox import FaultKind, Status
from generator.sandbox.faults import Fault
from generator.sandbox.forgejo.state import PushMirror, Repository
from generator.sandbox.messages import Request
from generator.sandbox.repositories import BareRepository, run_git
from tests.answers import SMALLEST, TEMPLATE
from tests.full import few, full
from tests.world import Completed, World

NAME = "notes-app"


@pytest.fixture
def made(world: World) -> World:
    """A world in which the service is there."""
    world.have(SMALLEST)
    return world


@pytest.fixture
def github(world: World) -> Iterator[GitHub]:
    platform = load_platform(TEMPLATE.platform, world.sandbox.profile, {})
    client = GitHub(platform, Secret(world.sandbox.tokens.github), patience=Patience(1, 0, 0))
    yield client
    client.close()


def link(world: World) -> PushMirror:
    (mirror,) = world.canonical(NAME).mirrors
    return mirror


def refusal(completed: Completed) -> str:
    assert completed.code == 4, completed.out
    (error,) = completed.of("error")
    assert error["code"] == "forgejo.mirror.refused"
    return str(error["message"])


def repaired(completed: Completed) -> set[str]:
    assert completed.code == 0, completed.out
    return {item["id"] for item in completed.of("step") if item["status"] == "done"}


def tag(bare: BareRepository, name: str, target: str, message: str = "") -> str:
    """Make a tag, an annotated one where it has a message; the id that it names."""
    run_git(bare.path, "tag", "--force", *(["--annotate", "--message", message] if message else []), name, target)
    return bare.tags()[name]


# --- what a forced push would destroy -------------------------------------------------------------------------


def hanging(bare: BareRepository) -> str:
    """A commit that no branch has."""
    sha = bare.commit_files("elsewhere", {"precious.txt": b"only here\n"}, "somebody's release", 1_790_000_000)
    bare.delete("refs/heads/elsewhere")
    return sha


LOST: dict[str, Callable[[World], str]] = {
    "work on a tag alone": lambda world: tag(bare := world.mirror(NAME).bare, "v9", hanging(bare)),
    "a message on a commit of ours": lambda world: tag(world.mirror(NAME).bare, "v9", world.branch, "what is new"),
    "a name that Forgejo has too": lambda world: (
        tag(world.canonical(NAME).bare, "v9", world.branch)
        and tag(bare := world.mirror(NAME).bare, "v9", hanging(bare))
    ),
}


@pytest.mark.parametrize("what", few(1, LOST))
def test_a_tag_of_github_is_never_destroyed(made: World, what: str) -> None:
    there = LOST[what](made)
    made.canonical(NAME).mirrors.clear()
    completed = refusal(made.run("create", SMALLEST))
    assert "tag v9" in completed
    assert f"branch {made.branch}" not in completed
    assert made.mirror(NAME).bare.tags() == {"v9": there}
    assert made.canonical(NAME).mirrors == []


def test_what_forgejo_has_is_not_lost(made: World) -> None:
    """CI's tags, which go to Forgejo and come over the mirror; and a branch that Forgejo has merged."""
    canonical, mirror = made.canonical(NAME), made.mirror(NAME).bare
    tag(canonical.bare, "v1.0.0", made.branch, "v1.0.0")
    tag(canonical.bare, "v1.0.1", made.branch)
    run_git(mirror.path, "fetch", str(canonical.bare.path), "refs/tags/*:refs/tags/*")
    mirror.update("refs/heads/merged", mirror.heads()[made.branch])
    assert made.run("create", SMALLEST).result["status"] == "unchanged"
    merged = mirror.heads()[made.branch]
    canonical.bare.commit_files(made.branch, {"NOTE": b"noted\n"}, "a note", 1_790_000_000)
    assert repaired(made.run("create", SMALLEST)) == {"forgejo.mirror"}
    assert canonical.bare.is_ancestor(merged, made.branch)
    assert mirror.references() == canonical.bare.references()


def test_tags_that_can_not_be_seen_are_not_taken_for_none(made: World) -> None:
    """A 404 that heals is waited out; one that lasts stops the run before it writes."""
    bare = made.mirror(NAME).bare
    tag(bare, "v9", hanging(bare))
    made.canonical(NAME).mirrors.clear()
    fault = made.sandbox.faults.add("github", "GET", "/git/matching-refs/", 100, FaultKind.NOT_FOUND)
    made.sandbox.journal.clear()
    completed = made.run("create", SMALLEST)
    assert (completed.code, fault.hits > 0) == (3, True), completed.out
    (plan,) = completed.of("plan")
    assert {item["id"] for item in plan["steps"] if item["state"] == "unknown"} == {"forgejo.mirror"}
    assert made.sandbox.journal.writes() == []


def test_forgejos_references_that_can_not_be_seen_are_not_taken_for_none(made: World) -> None:
    for bare in (made.canonical(NAME).bare, made.mirror(NAME).bare):
        tag(bare, "v1.0.0", made.branch)
    made.sandbox.faults.add("forgejo", "GET", "/git/refs$", 100, FaultKind.NOT_FOUND)
    completed = made.run("plan", SMALLEST)
    assert completed.code == 3
    (plan,) = completed.of("plan")
    assert {item["id"] for item in plan["steps"] if item["state"] == "unknown"} == {"forgejo.mirror"}


def test_references_of_github(world: World, github: GitHub) -> None:
    repository = world.sandbox.github.create_repository(world.platform.github.owner, NAME)
    full_name = world.mirror_name(NAME)
    assert github.references(full_name, "tags") == {}
    sha = repository.bare.commit_files("master", {"a": b"b"}, "first", 1_790_000_000)
    annotated = tag(repository.bare, "v1/a", "master", "words")
    tag(repository.bare, "v2", "master")
    assert annotated != sha
    tags = {"refs/tags/v1/a": annotated, "refs/tags/v2": sha}
    assert github.references(full_name, "tags") == tags
    assert github.references(full_name, "heads") == {"refs/heads/master": sha}
    assert github.references(world.mirror_name("absent"), "tags") is None

    page = [{"ref": "refs/tags/v0", "object": {"type": "commit", "sha": sha}}]
    path = f"{world.sandbox.urls['github_api']}/repos/{full_name}/git/matching-refs/tags?page=2"
    headers = {"Link": f'<{path}>; rel="next", <{path}>; rel="last"'}
    answer = Status(200, json.dumps(page), "application/json", headers)
    world.sandbox.faults.add("github", "GET", "/git/matching-refs/", 1, answer)
    assert github.references(full_name, "tags") == {"refs/tags/v0": sha, **tags}

    world.sandbox.faults.add("github", "GET", "/git/matching-refs/", 1, Status(200, "{}", "application/json"))
    with pytest.raises(SystemFailure) as caught:
        github.references(full_name, "tags")
    assert caught.value.code == "github.not_json"


# --- two at once ----------------------------------------------------------------------------------------------


def gathered(world: World, monkeypatch: pytest.MonkeyPatch, *stages: tuple[str, str]) -> list[str]:
    """Let two runs wait for each other at the first request of each stage, a method and a path; the methods met.

    A run looks in several threads: two requests of one run may be taken for both, and the next stage has one alone. The
    last item is then ``apart``, and nothing waits any more.
    """
    met: list[str] = []
    lock, barrier = threading.Lock(), threading.Barrier(2)
    take = world.sandbox.faults.take

    def meeting(system: str, request: Request) -> Fault | None:
        with lock:
            open_stage = len(met) < 2 * len(stages) and "apart" not in met
            method, path = stages[len(met) // 2] if open_stage else ("", "")
            here = request.method == method and re.search(path, request.path) is not None
            met.extend([method] * here)
        if here:
            try:
                barrier.wait(timeout=10)
            except threading.BrokenBarrierError:
                met.append("apart")
        return take(system, request)

    monkeypatch.setattr(world.sandbox.faults, "take", meeting)
    return met


def test_two_runs_that_both_add_a_mirror_leave_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both saw none, both add one, both then see two, and both remove one: it has to be the same."""
    for name in [f"{NAME}-{attempt}" for attempt in "abcdef"]:
        mirrors = f"/{name}/push_mirrors"
        met = gathered(world, monkeypatch, ("POST", f"{mirrors}$"), ("GET", f"{mirrors}$"), ("DELETE", f"{mirrors}/"))
        world.sandbox.journal.clear()
        given = {**SMALLEST, "name": name}
        processes = [
            world.start("create", given, "--service-dir", str(world.folder / f"{name}-{number}")) for number in range(2)
        ]
        completed = [process.communicate()[0] for process in processes]
        assert [process.returncode for process in processes] == [0, 0], completed
        inventory = world.inventory(name)
        assert len(inventory["push mirrors"]) == 1
        assert inventory["same commit"]
        if "apart" not in met:
            break
    assert met == ["POST", "POST", "GET", "GET", "DELETE", "DELETE"], completed
    assert sorted(changes(world)) == ["DELETE"] * 2 + ["POST"] * 4  # each adds, removes and syncs once


def test_a_mirror_that_is_right_is_never_removed_for_a_wrong_one(made: World) -> None:
    canonical = made.canonical(NAME)
    right = link(made)
    wrong: dict[str, dict[str, Any]] = {
        "slow": {"sync_on_commit": False},
        "late": {"interval": "24h0m0s"},
        "failing": {"last_error": "403"},
    }
    canonical.mirrors += [replace(right, remote_name=f"remote_mirror-{name}", **each) for name, each in wrong.items()]
    assert all(mirror.remote_name < right.remote_name for mirror in canonical.mirrors[1:])
    assert repaired(made.run("create", SMALLEST)) == {"forgejo.mirror"}
    assert link(made) is right


# --- one that fails -------------------------------------------------------------------------------------------


def changes(world: World) -> list[str]:
    """What was done to push mirrors, in order."""
    return [item.method for item in world.sandbox.journal.writes() if "/push_mirrors" in item.path]


@full
def test_an_error_that_is_over_heals_by_a_sync_alone(made: World) -> None:
    before = link(made)
    before.last_error, before.username = "fatal: unable to access: 502", "somebody-else"
    made.sandbox.journal.clear()
    assert repaired(made.run("create", SMALLEST)) == {"forgejo.mirror"}
    assert link(made) is before
    assert before.last_error == ""
    assert before.username == "somebody-else"
    assert changes(made) == ["POST"]


def revoked(world: World) -> PushMirror:
    mirror = link(world)
    mirror.password, mirror.last_error = "revoked", "fatal: Authentication failed"
    return mirror


def test_one_whose_credential_is_dead_is_linked_anew(made: World) -> None:
    old = revoked(made)
    made.sandbox.journal.clear()
    assert repaired(made.run("create", SMALLEST)) == {"forgejo.mirror"}
    assert link(made).remote_name != old.remote_name
    assert link(made).password == made.sandbox.tokens.github
    assert changes(made) == ["POST", "POST", "DELETE", "POST"]  # sync, add, remove, sync


@pytest.mark.parametrize("fault", few(1, [FaultKind.FORBIDDEN, FaultKind.SERVER_ERROR, FaultKind.RESET_BEFORE]))
def test_one_that_can_not_be_linked_anew_stays(made: World, fault: FaultKind) -> None:
    old = revoked(made)
    made.sandbox.faults.add("forgejo", "POST", "/push_mirrors$", 100, fault)
    assert made.run("create", SMALLEST).code == 5
    assert link(made) is old


@full
def test_one_that_was_removed_meanwhile_is_made_again(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run may keep another one, in the very moment."""
    old = link(made)
    old.last_error = "502"
    real = made.sandbox.forgejo.mirrors.sync

    def sync(repository: Repository) -> bool:
        well = real(repository)
        if old in repository.mirrors:
            repository.mirrors.remove(old)
        return well

    monkeypatch.setattr(made.sandbox.forgejo.mirrors, "sync", sync)
    assert repaired(made.run("create", SMALLEST)) == {"forgejo.mirror"}
    assert link(made) is not old


# --- mirrors to elsewhere -------------------------------------------------------------------------------------

OTHER_HOST = "https://127.0.0.1:1/somebody/copy.git"


@pytest.mark.parametrize("place", few(1, [0, 1]), ids=["before ours", "after ours"])
def test_a_mirror_to_another_host_is_left_alone(made: World, place: int) -> None:
    ours = link(made)
    other = replace(ours, remote_name="remote_mirror_other", remote_address=OTHER_HOST, last_error="they are down")
    made.canonical(NAME).mirrors.insert(place, other)
    assert made.run("create", SMALLEST).result["status"] == "unchanged"
    ours.sync_on_commit = False
    made.sandbox.journal.clear()
    assert repaired(made.run("create", SMALLEST)) == {"forgejo.mirror"}
    mirrors = made.canonical(NAME).mirrors
    assert len(mirrors) == 2
    assert other in mirrors
    assert changes(made) == ["POST", "DELETE", "POST"]  # add, remove, sync
    assert other.last_error
    assert made.run("create", SMALLEST).result["status"] == "unchanged"


@full
def test_the_error_of_a_mirror_to_another_host_is_not_ours(made: World) -> None:
    ours = link(made)
    other = replace(ours, remote_name="remote_mirror_other", remote_address=OTHER_HOST)
    made.canonical(NAME).mirrors.append(other)
    ours.last_error = "502"
    made.sandbox.journal.clear()
    assert repaired(made.run("create", SMALLEST)) == {"forgejo.mirror"}
    assert made.canonical(NAME).mirrors == [ours, other]
    assert (ours.last_error, bool(other.last_error)) == ("", True)
    assert changes(made) == ["POST"]


@full
def test_one_that_was_skipped_is_not_called_pushed(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.engine.steps.forgejo.SETTLING_SECONDS", 0)
    canonical = made.canonical(NAME)
    canonical.mirrors.insert(0, replace(link(made), remote_name="remote_mirror_other", remote_address=OTHER_HOST))
    canonical.bare.commit_files(made.branch, {"NOTE": b"noted\n"}, "a note", 1_790_000_000)
    completed = made.run("create", SMALLEST)
    assert completed.code == 5
    assert completed.of("error")[0]["code"] == "forgejo.mirror_behind"
    assert "elsewhere" in completed.of("error")[0]["hint"]


def addresses(world: World) -> list[tuple[str, str]]:
    """Another repository on the same GitHub, as forges write it, and what a person is told of it."""
    wanted = link(world).remote_address
    return [
        (wanted.replace(NAME, "old-name"), "localhost/ViktorBarzin/old-name.git"),
        (wanted.replace("https://", "https://me:hidden@").replace(NAME, "x"), "localhost/ViktorBarzin/x.git"),
        ("git@LOCALHOST:someone/y.git", "localhost/someone/y.git"),
    ]


@pytest.mark.parametrize("number", few(1, range(3)), ids=["renamed", "with a credential", "ssh"])
def test_a_mirror_to_another_repository_of_that_github_is_refused(made: World, number: int) -> None:
    address, shown = addresses(made)[number]
    link(made).remote_address = address
    kept: list[Any] = list(made.canonical(NAME).mirrors)
    completed = made.run("create", SMALLEST)
    message = refusal(completed)
    assert shown in message
    assert "hidden" not in completed.out
    assert "settings on Forgejo" in completed.of("error")[0]["hint"]
    assert made.canonical(NAME).mirrors == kept
