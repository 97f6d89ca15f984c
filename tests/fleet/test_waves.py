"""Whose turn it is when: canaries, limits and shards; one service's trouble, and a system's."""

from __future__ import annotations

import pytest

from generator.base.errors import ExitCode
from generator.fleet.source import update_branch
from generator.fleet.update import Waves
from tests.fleet.conftest import Yard
from tests.full import full

NAMES = ["a", "b", "c", "d", "e"]
owned = pytest.mark.parametrize("yard", ["owned"], indirect=True)


@pytest.mark.parametrize(
    ("waves", "behind", "wanted"),
    [
        (Waves(size=2), NAMES, [["a"], ["b", "c"], ["d", "e"]]),
        (Waves(("d",), limit=1), NAMES, [["d"]]),
        (Waves(("e", "d"), 2, 3), NAMES, [["d", "e"], ["a"]]),
        (Waves(("c",)), ["a", "b"], [["a"], ["b", "c", "d", "e"]]),
        (Waves(("nobody",), limit=2), NAMES, [["a"], ["b"]]),
        (Waves(limit=1), ["e"], [["e"]]),
        (Waves(("a",), 2), [], [["a", "b"], ["c", "d"], ["e"]]),
    ],
)
def test_turns(waves: Waves, behind: list[str], wanted: list[list[str]]) -> None:
    assert waves.of(NAMES, behind) == wanted


def asked_for(yard: Yard) -> set[str]:
    return {pull.head for pull in yard.world.infra.pulls.values()}


def test_a_limit_begins_with_the_canary(yard: Yard) -> None:
    completed = yard.fleet("update", "--canary", "app-004", "--limit", "1")
    assert completed.code == 0, completed.out
    assert asked_for(yard) == {update_branch("app-004")}


@full
def test_where_the_canary_is_through_the_next_one_leads(yard: Yard) -> None:
    """One that is current, or in another shard, is no reason to stop, and none to begin with ten at once."""
    report = yard.world.folder / "report.html"
    yard.fleet("update", "--only", "app-000")
    yard.merge("app-000")
    for place in (("--only", "app-00[012]"), ("--shard", "2/2")):
        completed = yard.fleet("update", "--canary", "app-000", "--dry-run", "--report", str(report), *place)
        assert completed.code == 0, completed.out
        said = [item["summary"] for item in completed.of("progress")]
        first = "app-001" if place[0] == "--only" else "app-002"
        assert f"none of the named canaries is behind here: {first} is updated first instead" in said
        assert f"wave 1 of 2: {first}" in said
        assert "is updated first instead" in report.read_text()
    assert yard.fleet("update", "--canary", "app-000", "--only", "app-001").code == ExitCode.USAGE


@full
@owned
def test_one_broken_service_stops_no_other(yard: Yard) -> None:
    name = next(iter(yard.made.services))
    repository = yard.world.canonical(name)
    repository.bare.update("refs/heads/newservice-update", repository.bare.heads()[yard.world.branch])
    completed = yard.fleet("update", "--wave", "2", "--canary", name)
    assert (completed.code, yard.one(completed, name, "service")["state"]) == (5, "failed")
    assert set(yard.states(completed).values()) == {"waiting"}
    others = {item["state"] for item in completed.of("service") if item["name"] != name}
    assert others == {"waiting"}


def test_a_system_that_fails_ends_the_run(yard: Yard) -> None:
    yard.bare.update("refs/heads/newservice-update", yard.bare.heads()[yard.world.base])
    completed = yard.fleet("update")
    assert completed.code == ExitCode.SYSTEM
    assert [yard.states(completed)[name] for name in yard.made.names] == [*["failed"] * 2, *["pending"] * 4]


@full
@owned
def test_a_service_has_a_default_branch_of_its_own(yard: Yard) -> None:
    name = next(iter(yard.made.services))
    repository = yard.world.canonical(name)
    repository.bare.update("refs/heads/trunk", repository.bare.heads()[yard.world.branch])
    repository.bare.set_head("trunk")
    repository.bare.delete(f"refs/heads/{yard.world.branch}")
    repository.default_branch = "trunk"
    assert yard.fleet("update", "--only", name).code == 0
    (pull,) = yard.pulls(name, name)
    head = repository.bare.heads()[pull.head]
    files = {path: repository.bare.file(head, path) or b"" for path in repository.bare.changed_files("trunk", head)}
    repository.bare.commit_files("trunk", files, "the same, by hand\n", 1_783_000_000)
    completed = yard.fleet("update", "--only", name)
    assert (completed.code, yard.one(completed, name, "service")["action"]) == (0, "closed"), completed.out
    assert [pull.state for pull in yard.pulls(name, name)] == ["closed"]
