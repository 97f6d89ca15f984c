"""``--no-provision``: files only, all of a tree or none, without any network."""

from __future__ import annotations

import os
import shutil
import socket
from typing import Any

import pytest
import yaml

from generator.infra_repo.registrations import declared_ids
from tests.answers import RICH, SMALLEST, TEMPLATE, UPSTREAM
from tests.checkout import commit_all, git
from tests.invoke import Desk

NAME = str(RICH["name"])


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even loopback: a socket can't be made, and no name can be looked up."""

    class Forbidden(socket.socket):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            raise AssertionError("a socket was opened")

    def lookup(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "socket", Forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", lookup)


def test_the_network_is_really_blocked() -> None:
    import httpx

    with pytest.raises(AssertionError, match=r"a socket was opened|a name was looked up"):
        httpx.get("http://127.0.0.1:9", trust_env=False)


def test_service_stack_and_registrations_are_written_and_nothing_else(desk: Desk) -> None:
    before = desk.snapshot()
    completed = desk.create(RICH)
    assert completed.result["status"] == "success"
    assert completed.result["urls"] == {"stack": f"{desk.infra}/stacks/{NAME}", "repository": str(desk.service)}
    (plan,) = completed.of("plan")
    assert plan["steps"] == []
    assert {item["action"] for item in plan["files"]} == {"create"}
    # Another database; its own page and login; its images are admitted.
    reported_to_none = {"outage-page", "mysql-database", "anubis-doc", "trusted-image"}
    assert {item["id"] for item in plan["registrations"]} == {*declared_ids(TEMPLATE.registrations)} - reported_to_none
    wanted = {f"{'infra' if item['repo'] == 'infra' else 'service'}/{item['path']}" for item in plan["files"]}
    registered = {f"infra/{item['path']}" for item in plan["registrations"]}
    after = desk.snapshot()
    assert {path for path, content in after.items() if content is not None} - set(before) == wanted
    assert {path for path in before if after[path] != before[path]} == registered


def test_an_upstream_image_has_no_repository(desk: Desk) -> None:
    completed = desk.create(UPSTREAM)
    assert set(completed.result["urls"]) == {"stack"}
    assert not desk.service.exists()


def test_files_are_readable_by_others_and_not_executable(desk: Desk) -> None:
    desk.create(RICH)
    for folder in (desk.service, desk.infra / "stacks" / NAME):
        for path in folder.rglob("*"):
            if path.is_file():
                assert path.stat().st_mode & 0o777 == 0o644, path


def test_a_shared_file_keeps_its_mode(desk: Desk) -> None:
    catalogue = desk.infra / ".claude" / "reference" / "service-catalog.md"
    catalogue.chmod(0o664)
    desk.create(RICH)
    assert catalogue.stat().st_mode & 0o777 == 0o664


def test_a_second_run_changes_nothing_and_says_so(desk: Desk) -> None:
    desk.create(RICH)
    before = desk.snapshot()
    times = {path: path.lstat().st_mtime_ns for path in desk.folder.rglob("*") if ".git" not in path.parts}
    completed = desk.create(RICH)
    assert completed.result["status"] == "unchanged"
    (plan,) = completed.of("plan")
    assert {item["action"] for item in plan["files"]} == {"unchanged"}
    assert {item["action"] for item in plan["registrations"]} == {"present"}
    assert desk.snapshot() == before
    del times[desk.folder / "answers.yml"]
    assert {path: path.lstat().st_mtime_ns for path in times} == times


def test_a_second_run_after_the_commit_changes_nothing(desk: Desk) -> None:
    desk.create(RICH)
    commit_all(desk.infra, "feat: the stack")
    assert desk.create(RICH).result["status"] == "unchanged"
    assert desk.changed() == []


def test_what_is_missing_is_added_to_what_is_there(desk: Desk) -> None:
    desk.create(RICH)
    commit_all(desk.infra, "feat: the stack")
    (desk.service / "Dockerfile").unlink()
    (desk.infra / "stacks" / NAME / "service.tf").unlink()
    completed = desk.create(RICH)
    assert completed.result["status"] == "success"
    assert (desk.service / "Dockerfile").is_file()
    assert desk.changed() == []


@pytest.mark.parametrize("command", [("plan",), ("create", "--dry-run")])
def test_a_plan_writes_nothing(desk: Desk, command: tuple[str, ...]) -> None:
    before = desk.snapshot()
    completed = desk.create(RICH, *command[1:], "--diff", command=command[0])
    assert completed.code == 0
    assert desk.snapshot() == before
    (plan,) = completed.of("plan")
    assert desk.create(RICH, "--diff").of("plan") == [plan]


# --- all or none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["service/tests/test_logs.py", f"infra/stacks/{NAME}/service.tf"])
def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_is_written(desk: Desk, place: str) -> None:
    path = desk.folder / place
    path.mkdir(parents=True)
    (path / "keep").write_text("theirs")
    before, changed = desk.snapshot(), desk.changed()
    completed = desk.create(RICH)
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) == (4, "files.kind")
    assert f"{place.removeprefix('infra/').removeprefix('service/')} is a folder" in error["message"]
    assert (desk.snapshot(), desk.changed()) == (before, changed)


@pytest.mark.parametrize("after", [1, 4, 5, 6, 20, 25, 30])
def test_a_disk_that_fills_up_on_the_way_puts_everything_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    before = desk.snapshot()
    replace, count = os.replace, 0

    def full(draft: str, target: str, **folders: int) -> None:
        nonlocal count
        count += 1
        if count > after:
            raise OSError(28, "No space left on device", str(target))
        replace(draft, target, **folders)

    monkeypatch.setattr(os, "replace", full)
    completed = desk.create(RICH)
    assert count == after + 1
    assert completed.code == 2
    assert [error["code"] for error in completed.of("error")] == ["files.unwritable"]
    assert "No space left on device" in completed.of("error")[0]["message"]
    assert desk.snapshot() == before
    assert desk.changed() == []


def test_an_interruption_puts_everything_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = desk.snapshot()
    replace, count = os.replace, 0

    def interrupted(draft: str, target: str, **folders: int) -> None:
        nonlocal count
        count += 1
        if count == 12:
            raise KeyboardInterrupt
        replace(draft, target, **folders)

    monkeypatch.setattr(os, "replace", interrupted)
    completed = desk.create(RICH)
    assert completed.code == 130
    assert desk.snapshot() == before


# --- what is somebody else's -------------------------------------------------------------------------------


def refused(desk: Desk, given: dict[str, Any] = RICH) -> dict[str, Any]:
    before = desk.snapshot()
    completed = desk.create(given)
    assert completed.code == 4, completed.out
    assert completed.result["status"] == "refused"
    assert desk.snapshot() == before
    (error,) = completed.of("error")
    assert error["hint"]
    return error


@pytest.mark.parametrize("place", ["service/README.md", f"infra/stacks/{NAME}/main.tf"])
def test_a_file_that_is_there_and_differs_is_never_overwritten(desk: Desk, place: str) -> None:
    path = desk.folder / place
    path.parent.mkdir(parents=True)
    path.write_text("years of work\n")
    error = refused(desk)
    assert error["code"] == "files.conflict"
    assert str(path) in error["message"]


def test_an_edited_service_is_never_overwritten(desk: Desk) -> None:
    desk.create(RICH)
    (desk.service / "app" / "main.py").write_text("my own\n")
    assert refused(desk)["code"] == "files.conflict"


def test_many_conflicts_are_counted(desk: Desk) -> None:
    desk.create(RICH)
    files = [path for path in desk.service.rglob("*") if path.is_file()]
    for path in files:
        path.write_text("my own\n")
    message = refused(desk)["message"]
    assert message.startswith(f"{len(files)} files already exist and differ: ")
    assert message.endswith(f" and {len(files) - 5} more")


def test_other_files_in_the_folders_are_no_conflict(desk: Desk) -> None:
    desk.service.mkdir()
    (desk.service / "notes.txt").write_text("mine")
    (desk.infra / "unrelated.txt").write_text("mine")
    assert desk.create(RICH).code == 0
    assert (desk.service / "notes.txt").read_text() == "mine"


CATALOGUE = ".claude/reference/service-catalog.md"


@pytest.mark.parametrize("staged", [False, True])
def test_a_shared_file_with_changes_of_somebodys_is_refused(desk: Desk, staged: bool) -> None:
    path = desk.infra / CATALOGUE
    path.write_text(path.read_text() + "\nsomebody's\n")
    if staged:
        git(desk.infra, "add", CATALOGUE)
    error = refused(desk)
    assert error["code"] == "infra.dirty"
    assert CATALOGUE in error["message"]


def test_changes_in_other_files_do_not_matter(desk: Desk) -> None:
    (desk.infra / "README.md").write_text("changed\n")
    assert desk.create(RICH).code == 0
    assert (desk.infra / "README.md").read_text() == "changed\n"


def test_a_place_that_is_not_found_is_refused_with_the_snippet(desk: Desk) -> None:
    path = desk.infra / "stacks" / "kyverno" / "modules" / "kyverno" / "ghcr-credentials.tf"
    path.write_text("# nothing here\n")
    commit_all(desk.infra, "refactor")
    error = refused(desk)
    assert error["code"].startswith("registration.")
    assert f'"{NAME}"' in error["message"] + error["hint"]


def test_a_shared_file_that_is_gone_is_named(desk: Desk) -> None:
    (desk.infra / CATALOGUE).unlink()
    commit_all(desk.infra, "refactor")
    error = refused(desk)
    assert error["code"] == "registration.file_not_found"
    assert CATALOGUE in error["message"]


@pytest.mark.parametrize("path", [".claude/CLAUDE.md", "docs/architecture/databases.md"])
def test_a_list_that_the_repository_does_not_have_is_no_matter(desk: Desk, path: str) -> None:
    (desk.infra / path).unlink()
    commit_all(desk.infra, "docs: less")
    completed = desk.create({**SMALLEST, "database": "postgres"})
    assert completed.code == 0, completed.out
    assert not (desk.infra / path).exists()
    (plan,) = completed.of("plan")
    left = {item["id"] for item in plan["registrations"] if item["path"] == path}
    assert left == set()
    again = desk.create({**SMALLEST, "database": "postgres"})
    assert (again.code, again.result["status"]) == (0, "unchanged")


def test_a_list_of_another_form_is_refused_with_the_item(desk: Desk) -> None:
    (desk.infra / ".claude" / "CLAUDE.md").write_text("# For whoever works here\n", encoding="utf-8")
    commit_all(desk.infra, "docs: less")
    completed = desk.create({**SMALLEST, "database": "postgres"})
    assert completed.code == 4
    (error,) = completed.of("error")
    assert error["code"] == "registration.place_not_found"
    assert "no list begins so" in error["message"]
    assert error["hint"].endswith("\nnotes_app")


def test_a_folder_that_is_no_infra_repository_is_reported(desk: Desk) -> None:
    shutil.rmtree(desk.infra / "stacks")
    completed = desk.create(SMALLEST)
    assert completed.code == 2
    (error,) = completed.of("error")
    assert error["code"] == "infra.not_found"
    assert str(desk.infra) in error["message"]


def test_a_copy_without_git_will_do(desk: Desk) -> None:
    shutil.rmtree(desk.infra / ".git")
    assert desk.create(RICH).code == 0


def test_a_name_that_another_stack_has_is_an_answer_to_correct(desk: Desk) -> None:
    completed = desk.create({**SMALLEST, "host": "notes"})
    assert completed.code == 2
    (error,) = completed.of("error")
    assert (error["code"], error["question"]) == ("answer.taken", "host")
    assert "stacks/notes/main.tf" in error["message"]
    assert desk.changed() == []


def test_an_answer_that_was_left_out_is_reported(desk: Desk) -> None:
    completed = desk.create({**SMALLEST, "auth_reason": "because"})
    assert any("auth_reason" in note for note in completed.of("plan")[0]["notes"])


def test_the_profile_says_where_the_checkout_is(desk: Desk) -> None:
    profile = desk.folder / "platform.yml"
    profile.write_text(yaml.safe_dump({"connection": {"infra_clone": str(desk.infra)}}))
    (desk.folder / "a.yml").write_text(yaml.safe_dump(SMALLEST))
    places = ("--platform", profile, "--service-dir", desk.service)
    completed = desk.command("create", "--answers", desk.folder / "a.yml", *places, "--no-provision", "--json")
    assert completed.code == 0
    assert (desk.infra / "stacks" / "notes-app" / "main.tf").is_file()
