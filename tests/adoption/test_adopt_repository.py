"""``newservice adopt-repository`` against the sandbox: taken over, unchanged, refused, and its history untouched."""

from __future__ import annotations

from typing import Any

from tests.adoption.histories import GIVEN, on_forgejo, on_github, references
from tests.world import Completed, World


def adopt(world: World, *more: str, target: str = "invoices", given: dict[str, Any] | None = None) -> Completed:
    answers = world.answers({**GIVEN, **(given or {})})
    return world.command("adopt-repository", target, "--answers", str(answers), *more)


def writes(world: World) -> list[str]:
    return [
        f"{item.system} {item.method} {item.path}"
        for item in world.sandbox.journal
        if item.method not in ("GET", "HEAD")
    ]


def test_a_repository_on_forgejo_is_taken_over(world: World) -> None:
    on_forgejo(world)
    canonical = world.canonical("invoices")
    before = references(canonical.bare)
    done = adopt(world, "--yes")
    assert done.code == 0, (done.out, done.err)
    world.sandbox.forgejo.wait_for_mirrors()
    assert references(canonical.bare) == before
    (pull,) = canonical.pulls.values()
    assert (pull.base, pull.state) == (world.branch, "open")
    assert set(canonical.bare.changed_files(world.branch, pull.head)) == {
        ".copier-answers.yml", ".github/workflows/build.yml", ".woodpecker/deploy.yml", ".woodpecker.yml"
    }  # fmt: skip
    assert canonical.bare.file(pull.head, ".woodpecker.yml") is None
    assert canonical.description == "Sends invoices (adopted by newservice)"
    assert canonical.private
    mirror = world.mirror("invoices")
    assert mirror.private
    assert mirror.bare.references() == canonical.bare.references()
    again = adopt(world, "--yes")
    assert again.code == 0, (again.out, again.err)
    assert again.result["status"] == "unchanged"


def test_a_repository_on_github_moves_to_forgejo(world: World) -> None:
    on_github(world)
    mirror = world.mirror("invoices")
    before = references(mirror.bare)
    done = adopt(world, "--yes")
    assert done.code == 0, (done.out, done.err)
    world.sandbox.forgejo.wait_for_mirrors()
    canonical = world.canonical("invoices")
    assert references(canonical.bare) == before
    assert references(mirror.bare) == before
    assert canonical.private
    assert mirror.private
    again = adopt(world, "--yes")
    assert again.code == 0, (again.out, again.err)
    assert again.result["status"] == "unchanged"


def test_nothing_is_written_without_a_yes(world: World) -> None:
    on_forgejo(world)
    world.sandbox.journal.clear()
    done = adopt(world)
    assert done.code == 2
    assert done.of("error")[0]["code"] == "usage.confirmation"
    assert adopt(world, "--dry-run").code == 0
    assert writes(world) == []
