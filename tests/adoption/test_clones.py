"""Clones that are nowhere else: what of their history would not come along is refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.sandbox import Status
from tests.adoption.histories import GIVEN, a_clone, git, references
from tests.world import Completed, World


def adopt(world: World, target: str) -> Completed:
    answers = world.answers({**GIVEN, "description": "Keeps books", "title": "Ledger"})
    return world.command("adopt-repository", target, "--answers", str(answers), "--yes")


def shallow(path: Path, full: Path) -> None:
    git(full.parent, "clone", "--quiet", "--depth", "1", f"file://{full}", str(path))
    git(path, "remote", "remove", "origin")


def detached(path: Path, full: Path) -> None:
    git(full.parent, "clone", "--quiet", str(full), str(path))
    git(path, "remote", "remove", "origin")
    git(path, "checkout", "--quiet", "--detach")
    git(path, "commit", "--quiet", "--allow-empty", "-m", "on no branch")


def empty(path: Path, full: Path) -> None:
    git(full.parent, "init", "--quiet", str(path))


def unfit(path: Path, full: Path) -> None:
    git(full.parent, "init", "--quiet", "--object-format=sha256", str(path))
    git(path, "commit", "--quiet", "--allow-empty", "-m", "first")


@pytest.mark.parametrize("how", [shallow, detached, empty, unfit])
def test_a_history_that_would_not_come_along_is_refused(world: World, how: Callable[[Path, Path], None]) -> None:
    full = a_clone(world, "full")
    git(full, "commit", "--quiet", "--allow-empty", "-m", "second")
    clone = world.folder / "ledger"
    how(clone, full)
    refused = adopt(world, str(clone))
    assert [item["code"] for item in refused.of("error")] == [f"adopt.{how.__name__}"]
    assert refused.code == 4
    assert not world.sandbox.journal


def test_a_bare_clone_is_pushed_under_its_name(world: World) -> None:
    bare = world.folder / "ledger.git"
    git(world.folder, "clone", "--quiet", "--bare", str(a_clone(world, "full")), str(bare))
    git(bare, "remote", "remove", "origin")
    done = adopt(world, str(bare))
    assert done.code == 0, (done.out, done.err)
    assert references(world.canonical("ledger").bare).keys() >= {"refs/tags/v2", "refs/heads/next"}


@pytest.mark.parametrize("where", ["forgejo", "github"])
def test_a_repository_without_commits_is_refused(world: World, where: str) -> None:
    if where == "forgejo":
        world.sandbox.forgejo.create_repository(world.platform.forgejo.owner, "ledger", branch=world.branch)
    else:
        world.sandbox.github.create_repository(world.platform.github.owner, "ledger")
    refused = adopt(world, "ledger")
    assert [item["code"] for item in refused.of("error")] == ["adopt.empty"]
    assert all(entry.method == "GET" for entry in world.sandbox.journal)


def test_a_migration_that_fails_says_why_and_what_is_left(world: World) -> None:
    made = world.sandbox.github.create_repository(
        world.platform.github.owner, "ledger", files={"Dockerfile": "FROM scratch\nEXPOSE 80\n"}
    )
    made.default_branch = world.branch
    made.bare.rename_branch("main", world.branch)
    made.bare.set_head(world.branch)
    world.sandbox.faults.add("github", "GET", r"ledger\.git/info/refs", 1, Status(404, "gone"))
    for code in ("forgejo.migration_failed", "forgejo.migrating"):
        (error,) = adopt(world, "ledger").of("error")
        assert error["code"] == code
        assert f"delete {world.platform.forgejo.owner}/ledger on Forgejo" in error["hint"]
    world.sandbox.forgejo.repositories.pop(f"{world.platform.forgejo.owner}/ledger".lower()).bare.remove()
    assert adopt(world, "ledger").code == 0
