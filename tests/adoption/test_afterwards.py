"""An adopted repository afterwards: seen, verified, changed, and given back with its history as it was."""

from __future__ import annotations

import pytest
import yaml

from generator.sandbox.repositories import run_git
from tests.adoption.histories import (
    GIVEN,
    merge,
    mirrored,
    on_forgejo,
    on_github,
    references,
)
from tests.world import Completed, World

NAME = "invoices"


def adopted(world: World, *, merged: bool = True) -> None:
    answers = world.answers(GIVEN)
    done = world.command("adopt-repository", NAME, "--answers", str(answers), "--yes")
    assert done.code == 0, (done.out, done.err)
    if merged:
        merge(world)


def removed(world: World) -> Completed:
    done = world.command("remove", NAME, "--yes")
    assert done.code == 0, (done.out, done.err)
    world.sandbox.forgejo.wait_for_mirrors()
    return done


def states(done: Completed) -> dict[str, str]:
    return {step["id"]: f"{step['state']} {step['action']}" for step in done.of("plan")[0]["steps"]}


def test_it_is_removed_without_touching_its_history(world: World) -> None:
    on_forgejo(world)
    canonical = world.canonical(NAME)
    before, description = references(canonical.bare), canonical.description
    adopted(world)
    merged = references(canonical.bare)
    files = canonical.bare.changed_files(before[f"refs/heads/{world.branch}"], world.branch)

    first = removed(world)
    assert first.result["urls"].keys() == {"service_pull_request"}
    assert canonical.mirrors
    assert canonical.description != description
    assert references(canonical.bare) == merged
    assert states(removed(world))["service.removal_commit"] == "present none"

    merge(world)
    removed(world)
    head = f"refs/heads/{world.branch}"
    after = canonical.bare.references()
    assert {**after, head: before[head]} == before
    assert canonical.bare.is_ancestor(before[head], after[head])
    assert set(files) == {*canonical.bare.changed_files(before[head], merged[head])}
    assert canonical.bare.changed_files(before[head], after[head]) == [".woodpecker.yml"]  # no longer of use
    assert canonical.description == description
    assert not canonical.mirrors
    assert world.mirror_name(NAME).lower() not in world.sandbox.github.repositories
    assert not [row for row in world.sandbox.woodpecker.repositories.values() if row.full_name.endswith(f"/{NAME}")]
    assert removed(world).result["status"] == "unchanged"


def test_before_its_merge_the_proposal_goes_and_nothing_else_of_git(world: World) -> None:
    on_github(world)
    mirror = world.mirror(NAME)
    before, description = references(mirror.bare), mirror.description
    adopted(world, merged=False)
    canonical = world.canonical(NAME)
    removed(world)
    assert canonical.bare.references() == before
    assert references(mirror.bare) == before
    (pull,) = canonical.pulls.values()
    assert pull.state == "closed"
    assert not pull.merged
    assert mirror.description == description
    assert canonical.description == description
    assert not canonical.mirrors
    adopted(world)  # what was withdrawn says nothing about the next one


def test_an_open_change_is_closed_and_its_branch_goes(world: World) -> None:
    on_forgejo(world)
    adopted(world)
    canonical = world.canonical(NAME)
    assert world.command("change", NAME, "--set", "context=src", "--yes").code == 0
    (change,) = [pull for pull in canonical.pulls.values() if pull.state == "open"]
    done = removed(world)
    assert (change.state, change.merged) == ("closed", None)
    assert change.head not in canonical.bare.heads()
    (removal,) = [pull for pull in canonical.pulls.values() if pull.state == "open"]
    assert done.result["urls"]["service_pull_request"].endswith(f"/{removal.number}")
    assert canonical.bare.file(removal.head, ".copier-answers.yml") is None
    merge(world)
    removed(world)
    assert (
        world.mirror_name(NAME).lower() not in world.sandbox.github.repositories
    )  # a copy of the change holds nothing


@pytest.mark.parametrize("what", ["commit", "amended"])
def test_a_change_that_people_work_on_stays(world: World, what: str) -> None:
    on_forgejo(world)
    adopted(world)
    canonical = world.canonical(NAME)
    assert world.command("change", NAME, "--set", "context=src", "--yes").code == 0
    (change,) = [pull for pull in canonical.pulls.values() if pull.state == "open"]
    said = run_git(canonical.bare.path, "log", "-1", "--format=%B", change.head).decode()
    message = "ours" if what == "commit" else said
    canonical.bare.commit_files(change.head, {".woodpecker/deploy.yml": "steps: []\n"}, message, 1_800_000_000)
    before = canonical.bare.heads()[change.head]
    done = removed(world)
    assert change.state == "open"
    assert canonical.bare.heads()[change.head] == before
    assert any(change.head in line for line in done.result["next"])


def test_a_removal_that_was_merged_does_not_stand_in_the_way_of_the_next(world: World) -> None:
    on_forgejo(world)
    for _ in range(2):
        adopted(world)
        assert removed(world).result["urls"].keys() == {"service_pull_request"}
        merge(world, squash=True)
        removed(world)


def test_what_existed_before_stays(world: World) -> None:
    on_forgejo(world)
    mirrored(world)
    canonical, mirror = world.canonical(NAME), world.mirror(NAME)
    adopted(world)
    removed(world)
    merge(world)
    done = removed(world)
    assert len(canonical.mirrors) == 1
    assert mirror.full_name in [row.full_name for row in world.sandbox.woodpecker.repositories.values()]
    assert mirror.description == "Copy of invoices"
    assert canonical.description == "Sends invoices"
    assert any("Actions secrets" in line for line in done.result["next"])
    assert removed(world).result["status"] == "unchanged"


def test_an_edited_file_stays_and_is_reported(world: World) -> None:
    on_forgejo(world)
    adopted(world)
    canonical = world.canonical(NAME)
    before = canonical.bare.references()
    canonical.bare.commit_files(world.branch, {".woodpecker/deploy.yml": "steps: []\n"}, "ours now", 1_800_000_000)
    world.sandbox.forgejo.pushed(canonical, before)
    world.sandbox.forgejo.wait_for_mirrors()
    done = removed(world)
    assert any(".woodpecker/deploy.yml" in line for line in done.result["next"])
    merge(world)
    head = canonical.bare.heads()[world.branch]
    assert canonical.bare.file(head, ".woodpecker/deploy.yml") == b"steps: []\n"
    assert canonical.bare.file(head, ".copier-answers.yml") is None


def test_it_is_seen_verified_and_changed(world: World) -> None:
    on_forgejo(world)
    adopted(world, merged=False)
    assert world.command("status", NAME).result["status"] == "unchanged"
    merge(world)
    assert world.command("status", NAME).result["status"] == "unchanged"
    assert world.command("create", NAME, "--yes").result["status"] == "unchanged"
    checks = {item["id"]: item["state"] for item in world.command("verify", NAME).of("check")}
    assert checks["mirror.commit"] == "ok"
    assert checks["infra.stack"] == "skipped"
    infra = world.infra.bare.references()

    done = world.command("change", NAME, "--set", "context=src", "--set", "title=Bills", "--yes")
    assert done.code == 0, (done.out, done.err)
    assert done.result["urls"].keys() == {"service_pull_request"}
    assert world.command("status", NAME).code == 0
    merge(world)
    canonical = world.canonical(NAME)
    recorded = yaml.safe_load(canonical.bare.file(world.branch, ".copier-answers.yml") or b"")
    assert (recorded["context"], recorded["title"]) == ("src", "Bills")
    assert world.command("change", NAME, "--yes").result["status"] == "unchanged"
    assert world.infra.bare.references() == infra
    refused = world.command("change", NAME, "--set", "stack=generated", "--yes")
    assert (refused.code, refused.of("error")[0]["code"]) == (4, "change.stack")


def test_verify_looks_at_every_image(world: World) -> None:
    on_forgejo(world)
    answers = world.answers({**GIVEN, "images": [{"name": "invoices-worker", "context": "worker"}]})
    assert world.command("adopt-repository", NAME, "--answers", str(answers), "--yes").code == 0
    merge(world)
    tags = [world.canonical(NAME).bare.heads()[world.branch][:8], "latest"]
    owner = world.platform.registry.owner

    def image() -> tuple[str, str]:
        (check,) = [item for item in world.command("verify", NAME).of("check") if item["id"] == "image.tags"]
        return check["state"], check["summary"]

    world.sandbox.registry.put_image(f"{owner}/{NAME}", tags)
    state, summary = image()
    assert state == "waiting"
    assert summary.startswith(f"{owner}/invoices-worker has no ")
    world.sandbox.registry.put_image(f"{owner}/invoices-worker", tags)
    state, summary = image()
    assert state == "ok"
    assert f"{owner}/{NAME} has" in summary
    assert f"{owner}/invoices-worker has" in summary


def test_a_copied_answers_file_proves_nothing(world: World) -> None:
    """The files alone, without the mark, are anyone's."""
    on_forgejo(world)
    adopted(world)
    canonical = world.canonical(NAME)
    canonical.description = "Sends invoices"
    done = world.command("create", NAME, "--yes")
    assert done.code == 4
    assert "adopt-repository" in done.of("error")[0]["hint"]
    canonical.description = "Sends invoices (adopted by newservice)"
    canonical.fork = True
    assert world.command("create", NAME, "--yes").code == 4
