"""An update is pushed where a mirror would publish no more than the repository does, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from generator.fleet.source import update_branch
from generator.sandbox.faults import Status
from generator.sandbox.forgejo.state import PushMirror
from tests.fleet.conftest import Yard
from tests.full import few

pytestmark = pytest.mark.parametrize("yard", ["owned"], indirect=True)


def mirrored(yard: Yard, *, forgejo: bool, github: bool) -> str:
    """A service whose repository and mirror are private or not, with a push mirror that follows commits."""
    name = next(iter(yard.made.services))
    world, canonical = yard.world, yard.world.canonical(name)
    mirror = world.sandbox.github.create_repository(world.platform.github.owner, name, private=github)
    canonical.private = forgejo
    address = f"{world.sandbox.urls['github']}/{mirror.full_name}.git"
    token = world.sandbox.tokens.github
    canonical.mirrors.append(PushMirror(address, "8h0m0s", sync_on_commit=True, username="x", password=token))
    return name


def updated(yard: Yard, name: str, *more: str) -> tuple[int, dict[str, Any], set[str], list[str]]:
    """Exit code, what was reported of the repository, the branches of its mirror, and the requests about the mirror."""
    sandbox = yard.world.sandbox
    sandbox.journal.clear()
    completed = yard.fleet("update", "--only", name, *more)
    sandbox.forgejo.wait_for_mirrors()
    requests = [item.path for item in sandbox.journal.find("github", "GET", f"/repos/[^/]*/{name}$")]
    return completed.code, yard.one(completed, name, "service"), set(yard.world.mirror(name).bare.heads()), requests


def pushed(yard: Yard, name: str) -> bool:
    return update_branch(name) in yard.world.canonical(name).bare.heads()


def test_nothing_is_pushed_where_the_mirror_stayed_public(yard: Yard) -> None:
    name = mirrored(yard, forgejo=True, github=False)
    for more in (("--dry-run",), ()):
        code, found, branches, requests = updated(yard, name, *more)
        assert (code, found["state"]) == (4, "exposed")
        assert f"newservice create {name}" in found["hint"]
        assert yard.world.mirror_name(name) in found["message"]
        assert not pushed(yard, name)
        assert not branches
        assert len(requests) == 1
    assert yard.pulls(name)  # its stack is nobody's mirror's
    assert not yard.pulls(name, name)

    yard.world.mirror(name).private = True
    code, found, branches, _ = updated(yard, name)
    assert (code, found["state"]) == (0, "waiting")
    assert pushed(yard, name)
    assert update_branch(name) in branches


@pytest.mark.parametrize(
    ("forgejo", "github", "requests"), few(2, [(True, True, 1), (False, False, 0), (False, True, 0)], apart=True)
)
def test_it_is_pushed_where_both_are_as_visible(yard: Yard, forgejo: bool, github: bool, requests: int) -> None:
    """What is public on Forgejo is no secret, so nobody is asked about its mirror."""
    name = mirrored(yard, forgejo=forgejo, github=github)
    code, found, branches, asked = updated(yard, name)
    assert (code, found["state"], len(asked)) == (0, "waiting", requests)
    assert pushed(yard, name)
    assert update_branch(name) in branches


def test_an_owner_whom_not_everyone_sees_counts_as_closed(yard: Yard) -> None:
    name = mirrored(yard, forgejo=False, github=False)
    yard.world.sandbox.forgejo.visibilities[yard.world.platform.forgejo.owner] = "limited"
    code, found, branches, _ = updated(yard, name)
    assert (code, found["state"], branches) == (4, "exposed", set())


@pytest.mark.parametrize(("public", "state"), [(False, "waiting"), (True, "exposed")])
def test_without_a_token_github_is_asked_as_anyone_may(
    yard: Yard, public: bool, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a stranger what is private does not exist, and then it is not public."""
    name = mirrored(yard, forgejo=True, github=not public)
    monkeypatch.delenv(yard.world.platform.connection.credentials["github"].environment)
    monkeypatch.delenv("VAULT_TOKEN")
    _, found, branches, requests = updated(yard, name)
    assert (found["state"], bool(branches), len(requests)) == (state, not public, 1)


@pytest.mark.parametrize(
    "fault",
    few(
        2,
        [
            Status(401, '{"message": "Bad credentials"}', "application/json"),
            Status(200, "<html>"),
            Status(500),
            Status(451),
        ],
    ),
    ids=["token", "page", "down", "blocked"],
)
def test_a_mirror_that_can_not_be_seen_gets_nothing(yard: Yard, fault: Status) -> None:
    name = mirrored(yard, forgejo=True, github=True)
    yard.world.sandbox.faults.add("github", "GET", f"/repos/[^/]*/{name}$", None, fault)
    code, found, branches, _ = updated(yard, name)
    assert (code, found["state"], branches) == (5, "failed", set())
    assert "can't be seen whether the mirror" in found["message"]
    assert found["hint"]
    assert not pushed(yard, name)
    yard.world.sandbox.faults.clear()
    assert updated(yard, name)[1]["state"] == "waiting"
