"""``newservice adopt-repository`` against the sandbox: taken over, unchanged, refused, and its history untouched."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import yaml

from tests.adoption.histories import (
    CODE,
    GIVEN,
    PIPELINE,
    a_clone,
    address_of,
    git,
    held,
    merge,
    mirrored,
    on_forgejo,
    on_github,
    references,
)
from tests.answers import SMALLEST
from tests.world import Completed, World


def adopt(world: World, *more: str, target: str = "invoices", given: dict[str, Any] | None = None) -> Completed:
    answers = world.answers({**GIVEN, **(given or {})})
    return world.command("adopt-repository", target, "--answers", str(answers), *more)


def canonical_address(world: World) -> str:
    return f"{address_of(world, 'forgejo')}/{world.platform.forgejo.owner}/invoices.git"


def writes(world: World) -> list[str]:
    return [
        f"{item.system} {item.method} {item.path}"
        for item in world.sandbox.journal
        if item.method not in ("GET", "HEAD")
    ]


def test_a_repository_on_forgejo_is_taken_over(world: World) -> None:
    on_forgejo(world, commits=300)
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


def test_what_was_found_is_reported_with_its_place(world: World) -> None:
    on_forgejo(world)
    done = adopt(world, "--dry-run")
    found = {item["question"]: item for item in done.of("finding")}
    assert [found["port"][key] for key in ("kind", "message", "origin")] == ["found", "8000", "Dockerfile:3"]
    assert found["checkout"]["message"] == '["lfs"]'
    assert not [item for item in done.of("progress") if "port" in item["summary"]]
    arguments = ("--answers", str(world.answers(GIVEN)), "--dry-run", "--platform", str(world.sandbox.profile))
    text = world.tell(["adopt-repository", "invoices", *arguments, "--infra", str(world.sandbox.infra)])
    (line,) = [line for line in text.out.splitlines() if " port " in line and "found" in line]
    assert "8000  (Dockerfile:3)" in line


def test_nothing_is_written_without_a_yes(world: World) -> None:
    on_forgejo(world)
    world.sandbox.journal.clear()
    done = adopt(world)
    assert done.code == 2
    assert done.of("error")[0]["code"] == "usage.confirmation"
    assert adopt(world, "--dry-run").code == 0
    assert writes(world) == []


def test_a_clone_without_remotes_is_pushed_whole(world: World) -> None:
    clone = a_clone(world)
    before = held(clone)
    done = adopt(world, "--yes", target=str(clone), given={"description": "Keeps books"})
    assert done.code == 0, (done.out, done.err)
    assert any("git lfs push" in line for line in done.result["next"])
    canonical = world.canonical("ledger")
    assert references(canonical.bare) == before
    assert held(clone) == before
    assert canonical.description.endswith(" (adopted by newservice)")
    assert (
        adopt(world, "--yes", target=str(clone), given={"description": "Keeps books"}).result["status"] == "unchanged"
    )


def test_a_clone_stands_for_its_repository(world: World) -> None:
    on_forgejo(world)
    clone = a_clone(world, "somewhere", origin=canonical_address(world))
    git(clone, "fetch", "-q", str(world.canonical("invoices").bare.path), world.branch)
    git(clone, "reset", "-q", "--hard", "FETCH_HEAD")
    assert adopt(world, "--yes", target=str(clone)).result["service"] == "invoices"


@pytest.mark.parametrize("what", ["dirty", "ahead", "elsewhere"])
def test_a_clone_that_could_lose_something_is_refused(world: World, what: str) -> None:
    on_forgejo(world)
    url = "https://gitlab.example/them/invoices.git" if what == "elsewhere" else canonical_address(world)
    clone = a_clone(world, "invoices", origin=url)
    if what == "dirty":
        (clone / "README.md").write_text("edited\n")
    done = adopt(world, "--yes", target=str(clone))
    assert done.code == 4
    assert done.of("error")[0]["code"] == f"adopt.{what}"
    assert writes(world) == []


@pytest.mark.parametrize(
    ("where", "what"),
    [*product(("forgejo", "github"), ("fork", "archived", "branch")), ("forgejo", "pulled")],  # GitHub pulls nothing
)
def test_what_can_not_be_adopted_is_refused_with_the_way_out(world: World, where: str, what: str) -> None:
    (on_forgejo if where == "forgejo" else on_github)(world)
    found: Any = world.canonical("invoices") if where == "forgejo" else world.mirror("invoices")
    if what == "branch":
        found.bare.rename_branch(world.branch, "trunk")
        found.default_branch = "trunk"
    else:
        setattr(found, what, True)
    done = adopt(world, "--yes")
    assert done.code == 4, (done.out, done.err)
    assert done.of("error")[0]["hint"]
    assert writes(world) == []


def test_others_repositories_are_left_alone(world: World) -> None:
    done = adopt(world, "--yes", target="somebody/invoices")
    assert (done.code, done.of("error")[0]["code"]) == (4, "adopt.elsewhere")
    done = adopt(world, "--yes", target="nowhere")
    assert (done.code, done.of("error")[0]["code"]) == (2, "adopt.unknown")
    assert world.run("create", SMALLEST).code == 0
    done = adopt(world, "--yes", target=str(SMALLEST["name"]))
    assert (done.code, done.of("error")[0]["code"]) == (4, "adopt.made")


def test_an_existing_mirror_with_its_registration_and_secrets_is_taken_over(world: World) -> None:
    on_forgejo(world)
    mirrored(world)
    canonical, mirror = world.canonical("invoices"), world.mirror("invoices")
    before = references(canonical.bare)
    done = adopt(world, "--yes")
    assert done.code == 0, (done.out, done.err)
    plan = {step["id"]: step for step in done.of("plan")[0]["steps"]}
    assert "'Copy of invoices'" in plan["github.repository"]["summary"]
    assert "2020-" in plan["github.secrets"]["summary"]
    assert plan["woodpecker.registration"]["action"] == "none"
    assert canonical.description == "Sends invoices (adopted by newservice, with its push mirror and registration)"
    assert str(mirror.description).startswith("Copy of invoices (adopted by newservice: One-way mirror of ")
    assert world.sandbox.github.secret(mirror.full_name, "SLACK_WEBHOOK") == "theirs"
    assert len(canonical.mirrors) == 1
    world.sandbox.forgejo.wait_for_mirrors()
    assert references(canonical.bare) == before == references(mirror.bare)
    assert adopt(world, "--yes").result["status"] == "unchanged"


def test_a_mirror_with_work_of_its_own_is_not_pushed_over(world: World) -> None:
    on_forgejo(world)
    mirrored(world)
    world.mirror("invoices").bare.commit_files("next", {"own.txt": "only here\n"}, "made on GitHub", 1_700_000_500)
    done = adopt(world, "--yes")
    assert done.code == 4
    assert "branch next" in done.of("error")[0]["message"]
    assert writes(world) == []


def test_files_of_the_repository_stay(world: World) -> None:
    own = "on: push\njobs: {}\n"
    on_forgejo(world, files={**CODE, ".github/workflows/build.yml": own, ".woodpecker/build.yml": PIPELINE})
    done = adopt(world, "--yes")
    assert done.code == 0, (done.out, done.err)
    canonical = world.canonical("invoices")
    (pull,) = canonical.pulls.values()
    changed = canonical.bare.changed_files(world.branch, pull.head)
    assert changed == [".copier-answers.yml", ".woodpecker/deploy.yml"]  # nothing else would build
    recorded = yaml.safe_load(canonical.bare.file(pull.head, ".copier-answers.yml") or b"")
    assert recorded["kept"] == [".github/workflows/build.yml"]
    assert adopt(world, "--yes").result["status"] == "unchanged"
    merge(world)
    assert adopt(world, "--yes").result["status"] == "unchanged"


def test_what_is_missing_is_committed_directly_where_that_is_wanted(world: World) -> None:
    on_forgejo(world)
    canonical = world.canonical("invoices")
    before = references(canonical.bare)
    done = adopt(world, "--yes", "--commit")
    assert done.code == 0, (done.out, done.err)
    assert not canonical.pulls
    after = references(canonical.bare)
    head = f"refs/heads/{world.branch}"
    assert {**after, head: before[head]} == before
    assert canonical.bare.is_ancestor(before[head], after[head])
    assert canonical.bare.count(world.branch) == 13
    world.sandbox.forgejo.wait_for_mirrors()
    assert references(world.mirror("invoices").bare) == after
    assert adopt(world, "--yes", "--commit").result["status"] == "unchanged"
    assert adopt(world, "--yes").result["status"] == "unchanged"


def test_a_stack_is_generated_where_none_exists(world: World) -> None:
    on_forgejo(world)
    done = adopt(world, "--yes", given={"stack": "generated"})
    assert done.code == 0, (done.out, done.err)
    assert {"pull_request", "service_pull_request"} <= done.result["urls"].keys()
    assert adopt(world, "--yes", given={"stack": "generated"}).result["status"] == "unchanged"
    world.merge("invoices")
    merge(world)
    again = world.command("create", "invoices", "--yes")
    assert again.code == 0, (again.out, again.err)
    status = world.command("status", "invoices")
    assert status.code == 0, (status.out, status.err)


def test_three_images_of_one_repository(world: World) -> None:
    files = {
        f"{part}/Dockerfile": f"FROM debian:13\nEXPOSE {port}\n"
        for part, port in (("api", 8000), ("worker", 8001), ("web", 8002))
    }
    on_forgejo(world, "shop", files=files)
    given = {
        "context": "api",
        "deploy": {"shop": ["api"], "jobs": ["runner"]},
        "images": [
            {"name": "shop-worker", "context": "worker", "deploy": {"worker": ["worker"]}},
            {"name": "shop-web", "context": "web", "deploy": {"web": ["web"]}},
        ],
    }
    done = adopt(world, "--yes", target="shop", given=given)
    assert done.code == 0, (done.out, done.err)
    canonical = world.canonical("shop")
    (pull,) = canonical.pulls.values()
    workflow = (canonical.bare.file(pull.head, ".github/workflows/build.yml") or b"").decode()
    pipeline = (canonical.bare.file(pull.head, ".woodpecker/deploy.yml") or b"").decode()
    assert all(part in workflow for part in ("api", "shop-worker", "shop-web"))
    assert all(part in pipeline for part in ("deployment/jobs", "deployment/worker", "deployment/web"))
    assert adopt(world, "--yes", target="shop").result["status"] == "unchanged"


def test_everything_that_is_open_or_wrong_comes_at_once(world: World) -> None:
    on_forgejo(world, "shop", files={"api/Dockerfile": "FROM debian:13\n", "web/Dockerfile": "FROM debian:13\n"})
    done = adopt(world, "--yes", "--dns", "nowhere", target="shop", given={"ci_test": "none"})
    assert done.code == 2
    errors = {item["question"]: item["hint"] for item in done.of("error")}
    assert errors.keys() == {"dockerfile", "dns"}
    assert "--dockerfile api/Dockerfile" in errors["dockerfile"]
    assert "--dockerfile web/Dockerfile" in errors["dockerfile"]
    assert writes(world) == []
