"""Repositories and branches that people renamed are named as that, nothing is written through an old name, and the
remedy that is named continues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.answers import SMALLEST
from tests.full import few
from tests.world import Completed, World

NAME = str(SMALLEST["name"])


def owner(world: World) -> str:
    return world.platform.forgejo.owner


def repository(world: World) -> None:
    world.sandbox.forgejo.rename(f"{owner(world)}/{NAME}", owner(world), "notes")


def repository_back(world: World) -> None:
    world.sandbox.forgejo.rename(f"{owner(world)}/notes", owner(world), NAME)


def infra(world: World) -> None:
    name = world.platform.infra.repository
    world.sandbox.forgejo.rename(f"{owner(world)}/{name}", owner(world), "platform")


def infra_back(world: World) -> None:
    world.sandbox.forgejo.rename(f"{owner(world)}/platform", owner(world), world.platform.infra.repository)


def branch(world: World) -> None:
    world.canonical(NAME).rename_branch(world.branch, "trunk")


def branch_back(world: World) -> None:
    world.canonical(NAME).rename_branch("trunk", world.branch)


def infra_branch(world: World) -> None:
    world.infra.rename_branch(world.base, "trunk")


def infra_branch_back(world: World) -> None:
    world.infra.rename_branch("trunk", world.base)


def mirror(world: World) -> None:
    world.sandbox.github.rename(world.mirror_name(NAME), world.platform.github.owner, "notes")


def mirror_back(world: World) -> None:
    world.sandbox.github.rename(f"{world.platform.github.owner}/notes", world.platform.github.owner, NAME)


def mirror_branch(world: World) -> None:
    world.mirror(NAME).bare.rename_branch(world.branch, "trunk")
    world.mirror(NAME).default_branch = "trunk"


def mirror_branch_back(world: World) -> None:
    world.mirror(NAME).bare.rename_branch("trunk", world.branch)
    world.mirror(NAME).default_branch = world.branch


Change = Callable[[World], None]

CASES: dict[str, tuple[Change, Change, str, tuple[str, ...], str]] = {
    "repository": (repository, repository_back, "forgejo.renamed", ("was renamed to", "/notes"), f"back to {NAME}"),
    "branch": (branch, branch_back, "forgejo.branch_renamed", ("trunk", "was renamed"), "rename trunk back"),
    "infra": (infra, infra_back, "forgejo.renamed", ("was renamed to", "/platform"), "infra.repository: platform"),
    "infra's branch": (infra_branch, infra_branch_back, "infra.branch_missing", ("trunk",), "infra.branch: trunk"),
    "mirror": (mirror, mirror_back, "github.repository.refused", ("was renamed to", "/notes"), f"back to {NAME}"),
    "mirror's branch": (
        mirror_branch,
        mirror_branch_back,
        "forgejo.mirror.refused",
        ("was renamed to trunk",),
        "rename trunk back",
    ),
}


def error_of(completed: Completed) -> dict[str, Any]:
    (error,) = completed.of("error")
    return error


@pytest.mark.parametrize("case", few(4, CASES))
def test_what_was_renamed_is_named_and_nothing_is_written(world: World, case: str) -> None:
    rename, back, code, words, remedy = CASES[case]
    world.have(SMALLEST)
    rename(world)
    world.sandbox.journal.clear()
    for command in ("plan", "create"):
        completed = world.run(command, SMALLEST)
        error = error_of(completed)
        assert (completed.code, error["code"]) == (4, code), completed
        assert all(word in error["message"] for word in words), error
        assert remedy in error["hint"]
        assert "someone else" not in error["message"]
        assert "delete" not in error["hint"]
    written = [item for item in world.sandbox.journal if item.method not in ("GET", "HEAD", "LIST")]
    assert not [item for item in written if "git-upload-pack" not in item.path], written
    back(world)
    completed = world.run("create", SMALLEST)
    assert completed.code == 0, completed
    assert {step["status"] for step in completed.of("step")} <= {"unchanged", "done"}


def test_nothing_else_is_said_of_a_redirect(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """PyGithub logs each one, to the screen."""
    world.have(SMALLEST)
    mirror(world)
    world.run("plan", SMALLEST)
    assert not caplog.records


@pytest.mark.parametrize("case", few(2, ["branch", "repository", "infra", "infra's branch"]))
def test_every_command_names_it(world: World, case: str) -> None:
    rename, _, code, _, _ = CASES[case]
    world.have(SMALLEST)
    world.merge(NAME)
    rename(world)
    lines = [["status", NAME], ["remove", NAME, "--yes"], ["change", NAME, "--description", "Other words", "--yes"]]
    for line in lines:
        completed = world.command(*line)
        assert (completed.code, error_of(completed)["code"]) == (4, code), (line, completed)
    if case.startswith("infra"):
        assert error_of(world.command("fleet", "status"))["code"] == code
        checks = {item["id"]: item for item in world.command("doctor").of("check")}
        assert checks["forgejo.infra"]["state"] == "failed"


@pytest.mark.parametrize("case", few(2, ["repository", "branch", "mirror", "mirror's branch"]))
def test_verify_names_it_and_not_create(world: World, case: str) -> None:
    rename, _, _, words, remedy = CASES[case]
    world.have(SMALLEST)
    world.merge(NAME)
    rename(world)
    completed = world.command("verify", NAME)
    checks = {item["id"]: item for item in completed.of("check")}
    assert (completed.code, checks["mirror.commit"]["state"]) == (7, "failed"), completed
    assert all(word in checks["mirror.commit"]["summary"] for word in words)
    assert remedy in checks["mirror.commit"]["hint"]
    assert checks["infra.stack"]["state"] == "ok"


def test_a_new_name_that_is_to_stay_is_given_in_the_profile(world: World) -> None:
    world.have(SMALLEST)
    infra_branch(world)
    profile = yaml.safe_load(world.sandbox.profile.read_text())
    profile.setdefault("infra", {})["branch"] = "trunk"
    world.sandbox.profile.write_text(yaml.safe_dump(profile))
    completed = world.run("plan", SMALLEST)
    assert completed.code == 0, completed


def test_another_repository_of_an_earlier_name_is_not_renamed(world: World) -> None:
    """Somebody may take the old name: then it is that repository that counts."""
    world.have(SMALLEST)
    repository(world)
    world.sandbox.forgejo.create_repository(owner(world), NAME, files={"README.md": "mine\n"}, branch=world.branch)
    completed = world.run("plan", SMALLEST)
    assert (completed.code, "was renamed" in completed.out) == (4, False), completed
    assert "forgejo.repository" in error_of(completed)["code"]


def test_a_default_branch_of_someone_else_s_work_is_still_theirs(world: World) -> None:
    world.sandbox.forgejo.create_repository(owner(world), NAME, files={"README.md": "mine\n"}, branch="trunk")
    completed = world.run("plan", SMALLEST)
    assert completed.code == 4
    assert "someone else's work" in error_of(completed)["message"]


def test_a_mirror_whose_push_came_before_the_look_is_continued(world: World) -> None:
    """The branch was pushed again since: ours becomes the default of GitHub before the push deletes the other."""
    world.have(SMALLEST)
    mirror_branch(world)
    bare = world.mirror(NAME).bare
    bare.update(f"refs/heads/{world.branch}", bare.heads()["trunk"])
    world.canonical(NAME).mirrors[0].last_error = "remote: error: refusing to delete the current branch"
    completed = world.run("create", SMALLEST)
    assert completed.code == 0, completed
    assert world.inventory(NAME)["same commit"]
    assert world.mirror(NAME).default_branch == world.branch


def test_a_registration_under_an_earlier_name_of_the_mirror_is_the_mirror_s(world: World) -> None:
    world.have(SMALLEST)
    world.sandbox.woodpecker.repository(world.mirror_name(NAME)).rename(f"{world.platform.github.owner}/before")
    assert world.run("create", SMALLEST).result["status"] == "unchanged"


def test_a_registration_that_had_the_mirror_s_name_is_not_the_mirror_s(world: World) -> None:
    """Woodpecker forwards the names of repositories that are others now; nobody is to remove those."""
    github, mine = world.sandbox.github, world.platform.github.owner
    assert world.run("create", {**SMALLEST, "name": "earlier"}).code == 0
    row = world.sandbox.woodpecker.repository(world.mirror_name("earlier"))
    row.rename(f"{mine}/{NAME}")
    row.rename(f"{mine}/earlier")
    completed = world.run("create", SMALLEST)
    assert completed.code == 0, completed
    assert world.sandbox.woodpecker.repository(world.mirror_name(NAME)).forge_remote_id == str(
        github.repository(world.mirror_name(NAME)).id
    )
    assert world.inventory(NAME)["number in workflow"]
