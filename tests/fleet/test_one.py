"""``update --pull-request``: the update of one tree as a pull request, with no write in the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.sandbox import FaultKind
from generator.sandbox.repositories import BareRepository
from tests.checkout import git
from tests.fleet.conftest import Yard
from tests.upgrade.releases import NEXT
from tests.world import Completed

FIRST = "app-000"


def update(yard: Yard, place: Path, *more: str) -> Completed:
    return yard.world.tell(
        ["update", str(place), "--pull-request", "--json", "--platform", str(yard.world.sandbox.profile), *more]
    )


def clone(yard: Yard, bare: BareRepository, name: str) -> Path:
    place = yard.world.folder / f"clone-of-{name}"
    git(yard.world.folder, "clone", "--quiet", str(bare.path), str(place))
    return place


def test_a_stack_is_proposed_and_its_checkout_stays(yard: Yard) -> None:
    """Work on something else that is not committed stays too: the update begins with the forge's default branch."""
    infra = clone(yard, yard.bare, "infra")
    stack = infra / yard.made.prefix(FIRST)
    (infra / "README.md").write_text("in the middle of something\n")
    before = git(infra, "status", "--porcelain", "--branch")

    looked = update(yard, stack, "--check")
    assert (looked.code, yard.pulls(FIRST)) == (0, [])

    done = update(yard, stack)
    assert done.code == 0, done
    (pull,) = yard.pulls(FIRST)
    assert pull.title == f"chore({FIRST}): template {NEXT}"
    assert done.result["service"] == FIRST
    assert done.result["urls"]["pull_request"].endswith(f"/infra/pulls/{pull.number}")
    assert len(yard.world.infra.pulls) == 1, "no other service is updated"
    assert git(infra, "status", "--porcelain", "--branch") == before
    again = update(yard, stack)
    assert (again.code, again.result["status"]) == (0, "unchanged")


def test_work_on_that_stack_comes_first(yard: Yard) -> None:
    """A pull request without it would surprise whoever works there."""
    stack = clone(yard, yard.bare, "infra") / yard.made.prefix(FIRST)
    (stack / "main.tf").write_text("# in the middle of something\n")
    done = update(yard, stack)
    assert (done.code, yard.one(done, FIRST)["state"], yard.pulls(FIRST)) == (4, "dirty", [])


@pytest.mark.parametrize("yard", ["owned"], indirect=True)
def test_a_services_own_repository(yard: Yard) -> None:
    name = next(iter(yard.made.services))
    done = update(yard, clone(yard, yard.world.canonical(name).bare, name))
    assert done.code == 0, done
    assert len(yard.pulls(name, name)) == 1
    assert yard.pulls(name) == [], "its stack has an update of its own"


def test_other_answers_are_for_change(yard: Yard) -> None:
    stack = clone(yard, yard.bare, "infra") / yard.made.prefix(FIRST)
    done = update(yard, stack, "--memory", "512Mi")
    (error,) = done.of("error")
    assert (done.code, error["code"]) == (2, "update.pull_request")
    assert f"newservice change {FIRST}" in error["hint"]
    assert yard.pulls(FIRST) == []


@pytest.mark.parametrize("times", [1, None], ids=["once", "lasting"])
def test_a_pull_request_that_a_proxy_swallowed_is_not_reported(
    yard: Yard, times: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request to open it is answered by a page with status 200, and no pull request exists."""
    monkeypatch.setattr("generator.engine.executor.SETTLING_SECONDS", 0.2)
    stack = clone(yard, yard.bare, "infra") / yard.made.prefix(FIRST)
    yard.world.sandbox.faults.add("forgejo", "POST", "/pulls$", times, FaultKind.HTML_200)
    done = update(yard, stack)
    (failed,) = [item for item in done.of("service") if item["state"] == "failed"]
    assert (done.code, yard.pulls(FIRST)) == (5, [])
    assert "shows none" in failed["message"]
    yard.world.sandbox.faults.clear()
    assert update(yard, stack).code == 0
    assert len(yard.pulls(FIRST)) == 1
