"""``plan --out`` and ``apply``: what was shown is what is done, or it is said what moved."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.sandbox import FaultKind
from tests.answers import RICH, SMALLEST, UPSTREAM
from tests.checkout import commit_all
from tests.full import full
from tests.invoke import Desk
from tests.processes import kill_all
from tests.world import Completed, World, elsewhere

CATALOG = ".claude/reference/service-catalog.md"


def plan(world: World, given: dict[str, Any], *more: str) -> Path:
    """A plan, kept in a file."""
    path = world.folder / "plan.json"
    completed = world.run("plan", given, "--out", str(path), *more)
    assert completed.code == 0, completed.out + completed.err
    assert "newservice apply" in completed.result["next"][0]
    return path


def apply(world: World, path: Path, *more: str) -> Completed:
    return world.tell(["apply", str(path), "--platform", str(world.sandbox.profile), "--json", *more])


def moved(world: World, path: Path, *more: str) -> str:
    """What an apply that is refused says has moved; nothing may have been written."""
    world.sandbox.journal.clear()
    before = path.read_bytes()
    completed = apply(world, path, *more)
    assert completed.code == 4, completed.out
    assert completed.result["status"] == "refused"
    assert world.sandbox.journal.writes() == []
    assert path.read_bytes() == before
    (error,) = completed.of("error")
    assert error["code"] == "plan.moved"
    assert "new plan" in error["hint"]
    return str(error["message"])


def statuses(completed: Completed) -> dict[str, str]:
    return {item["id"]: item["status"] for item in completed.of("step")}


@elsewhere
def test_a_plan_that_was_kept_is_carried_out_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_TO_SIGN", "canary-of-the-environment")
    path = plan(world, RICH, "--seed", "signing_key=env:KEY_TO_SIGN")
    world.sandbox.journal.clear()
    text = path.read_text()
    document = json.loads(text)
    assert document["seeds"] == ["signing_key=env:KEY_TO_SIGN"]
    assert document["answers"]["name"] == RICH["name"]
    assert document["profile"]["values"]["forgejo.url"] == world.sandbox.urls["forgejo"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for secret in ["canary-of", *(value for key, value in world.sandbox.environment.items() if key != "VAULT_ADDR")]:
        assert secret not in text
    monkeypatch.chdir(Path.home())  # the places are the plan's, wherever it is carried out
    completed = apply(world, path)
    assert completed.result["status"] == "success", completed.out
    (event,) = completed.of("plan")
    assert event["digest"] == document["digest"]
    assert set(statuses(completed)) == {item["id"] for item in document["steps"]}
    assert (world.folder / str(RICH["name"]) / ".git").is_dir()
    assert world.inventory(str(RICH["name"]))["push mirrors"]
    assert world.sandbox.vault.read(str(RICH["name"]))["signing_key"] == "canary-of-the-environment"
    world.sandbox.journal.clear()
    assert apply(world, path).result["status"] == "unchanged"
    assert world.sandbox.journal.writes() == []


def test_what_somebody_else_did_meanwhile_is_named(world: World) -> None:
    path = plan(world, SMALLEST)
    assert world.run("create", SMALLEST, "--service-dir", str(world.folder / "elsewhere")).code == 0
    completed = moved(world, path)
    for line in (
        "forgejo.repository was absent, is present now",
        "github.repository was absent, is present now",
        "registration catalog was to be entered, exists now",
    ):
        assert line in completed
    assert "\n  " in completed


def test_what_the_plan_was_made_from_is_named_when_it_moved(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plan(world, UPSTREAM)
    branch, bare = world.base, world.infra.bare
    kept = {item.path: bare.blob(item.sha) for item in bare.entries(branch, recursive=True) if item.kind == "blob"}
    before = bare.heads()[branch]
    bare.commit_files(branch, {**kept, "README.md": b"another page\n"}, "unrelated", 1_790_000_000)
    world.run("plan", UPSTREAM, "--out", str(world.folder / "again.json"))
    documents = [json.loads((world.folder / name).read_text()) for name in ("plan.json", "again.json")]
    assert documents[0]["digest"] == documents[1]["digest"], "what does not concern the service is no move"
    bare.commit_files(branch, {**kept, CATALOG: kept[CATALOG] + b"\nA line.\n"}, "a line", 1_790_000_001)
    assert moved(world, path).count("\n") == 1
    assert f"registration catalog: {CATALOG} was changed since" in moved(world, path)
    bare.update(f"refs/heads/{branch}", before)

    profile = yaml.safe_load(world.sandbox.profile.read_text())
    world.sandbox.profile.write_text(yaml.safe_dump({**profile, "mirror": {"interval": "9h0m0s"}}))
    assert "the profile's mirror.interval differs: 9h0m0s, was 8h0m0s" in moved(world, path)
    world.sandbox.profile.write_text(yaml.safe_dump(profile))

    with monkeypatch.context() as patch:
        patch.setattr("generator.engine.plan_inputs.__version__", "9.9.9")
        assert "newservice is 9.9.9, the plan was made with" in moved(world, path)
    with monkeypatch.context() as patch:
        patch.setattr("generator.engine.plan_inputs.template_digest", lambda _: "sha256:other")
        assert "the template's files differ" in moved(world, path)
    assert apply(world, path).result["status"] == "success"


@full
def test_an_apply_that_stopped_is_continued_by_the_same_command(world: World) -> None:
    path = plan(world, SMALLEST)
    world.sandbox.faults.add("forgejo", "POST", "push_mirrors-sync", 1, FaultKind.FORBIDDEN)
    completed = apply(world, path)
    assert completed.code == 5, completed.out
    assert completed.result["status"] == "partial"
    assert statuses(completed)["woodpecker.registration"] == "done"
    assert json.loads(path.read_text())["begun"]
    again = apply(world, path)
    assert again.result["status"] == "success", again.out
    inventory = world.inventory("notes-app")
    assert (inventory["commits"], len(inventory["push mirrors"]), inventory["hooks"]) == (1, 1, 1)
    assert inventory["number in workflow"]
    assert inventory["pull requests"] == [("newservice/notes-app", "open")]

    # But what it did not do itself is told, also of a plan that was begun.
    world.canonical("notes-app").archived = True
    assert "forgejo.repository was absent, is foreign now" in moved(world, path)


def test_an_apply_that_was_killed_is_continued_by_the_same_command(world: World) -> None:
    path = plan(world, SMALLEST)
    world.sandbox.faults.add("woodpecker", "POST", "/api/repos", 1, FaultKind.HOLD)
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "apply", str(path), "--platform", str(world.sandbox.profile), "--json"],
        env={**os.environ, **world.sandbox.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    world.sandbox.wait_until_held()
    kill_all(process)
    process.communicate()
    world.sandbox.resume()
    completed = apply(world, path)
    assert completed.result["status"] == "success", completed.out
    inventory = world.inventory("notes-app")
    assert (inventory["commits"], len(inventory["push mirrors"]), inventory["hooks"]) == (1, 1, 1)


def test_a_system_that_can_not_be_seen_is_no_move(world: World) -> None:
    path = plan(world, UPSTREAM)
    world.sandbox.faults.add("forgejo", "GET", "/api", None, FaultKind.FORBIDDEN)
    world.sandbox.journal.clear()
    completed = apply(world, path)
    assert completed.code == 3, completed.out
    assert completed.of("error")[0]["code"] == "forgejo.forbidden"
    assert world.sandbox.journal.writes() == []


# --- files only ----------------------------------------------------------------------------------------------


def kept(desk: Desk, given: dict[str, Any] | None = None) -> Path:
    path = desk.folder / "plan.json"
    completed = desk.create(given or SMALLEST, "--out", path, command="plan")
    assert completed.code == 0, completed.out
    return path


def test_a_plan_for_files_is_carried_out_and_carried_on(desk: Desk) -> None:
    path = kept(desk)
    assert not desk.service.exists()
    assert desk.changed() == []
    completed = desk.command("apply", path, "--json")
    assert completed.result["status"] == "success", completed.out
    assert (desk.service / "Dockerfile").is_file()
    assert CATALOG in desk.changed()
    commit_all(desk.infra, "the stack")
    (desk.service / "Dockerfile").unlink()
    assert desk.command("apply", path, "--json").result["status"] == "success", "as an interrupted one"
    (desk.service / "Dockerfile").write_text("FROM scratch\n")
    completed = desk.command("apply", path, "--json")
    assert completed.code == 4
    assert "Dockerfile was to be created, exists and differs now" in completed.of("error")[0]["message"]
    assert (desk.service / "Dockerfile").read_text() == "FROM scratch\n"


def test_each_thing_that_moved_stands_on_a_line_for_people(desk: Desk) -> None:
    path = kept(desk)
    (desk.service / "app").mkdir(parents=True)
    (desk.service / "README.md").write_text("mine\n")
    (desk.infra / CATALOG).write_text((desk.infra / CATALOG).read_text() + "\nA line.\n")
    completed = desk.command("apply", path)
    assert completed.code == 4
    lines = completed.err.splitlines()
    assert "  README.md was to be created, exists and differs now" in lines
    assert f"  registration catalog: {CATALOG} was changed since" in lines
    assert any("make a new plan" in line for line in lines)
    assert not (desk.service / "Dockerfile").exists()


def test_another_place_or_profile_than_the_plans_is_refused(desk: Desk) -> None:
    path = kept(desk)
    profile = desk.folder / "profile.yml"
    profile.write_text("schema: 1\nmirror: {interval: 9h0m0s}\n")
    for flag, code in {"--infra": 2, "--service-dir": 2, "--platform": 4}.items():
        completed = desk.command("apply", path, flag, profile, "--json")
        (error,) = completed.of("error")
        assert (completed.code, error["code"]) == (code, "plan.place" if code == 2 else "plan.moved")
        assert flag in error["message"]
    assert desk.changed() == []
    agreed = desk.command("apply", path, "--infra", desk.infra, "--service-dir", desk.service, "--json")
    assert agreed.result["status"] == "success"


def test_a_plan_that_can_not_be_kept_is_reported_before_anything_else(desk: Desk) -> None:
    (desk.folder / "thesis.txt").write_text("years of work")
    completed = desk.create(SMALLEST, "--out", desk.folder / "thesis.txt", command="plan")
    assert (completed.code, completed.of("error")[0]["code"], completed.of("plan")) == (4, "plan.exists", [])
    assert (desk.folder / "thesis.txt").read_text() == "years of work"
    completed = desk.create(SMALLEST, "--out", desk.folder / "x", "--sandbox", command="plan")
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "usage.out")


def test_a_plan_that_is_refused_is_not_kept(desk: Desk) -> None:
    desk.service.mkdir()
    (desk.service / "README.md").write_text("mine\n")
    completed = desk.create(SMALLEST, "--out", desk.folder / "plan.json", command="plan")
    assert completed.code == 4
    assert not (desk.folder / "plan.json").exists()


def test_only_a_saved_plan_can_be_applied(desk: Desk) -> None:
    for name, content in {"missing": None, "page": "# a page\n", "event": '{"event": "plan", "schema": 1}'}.items():
        if content is not None:
            (desk.folder / name).write_text(content)
        completed = desk.command("apply", desk.folder / name, "--json")
        assert (completed.code, completed.of("error")[0]["code"]) == (2, "plan.unreadable")
    path = kept(desk)
    path.write_text(path.read_text().replace("Keeps notes", "Keeps more"))
    completed = desk.command("apply", path, "--json")
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "plan.damaged")
    assert desk.changed() == []
