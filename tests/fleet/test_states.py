"""Every state that a tree can be in: told with its remedy, and never in the way of another tree."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from generator.base.errors import ExitCode
from generator.fleet.findings import REMEDIES, Finding, Place, State, exit_code
from generator.fleet.source import update_branch
from generator.template import releases
from generator.template.template import PACKAGE
from tests.checkout import git
from tests.fleet.conftest import Yard
from tests.full import full
from tests.upgrade.releases import NEXT, add_release, change_everything, install

owned = pytest.mark.parametrize("yard", ["owned"], indirect=True)
ANSWERS = ".copier-answers.yml"


def test_each_trouble_is_reported_and_stops_no_other(yard: Yard) -> None:
    """What the brief's list names, all in one fleet: each with its own state and remedy; what is well is updated."""
    conflict, dirty, broken, newer, waiting, well = yard.made.names
    infra = yard.world.sandbox.infra
    git(infra, "pull", "--quiet", str(yard.bare.path), yard.world.base)
    grunt = yard.path(conflict, "terragrunt.hcl")
    lines = yard.file(grunt).splitlines()
    answers = yard.file(yard.path(newer, ANSWERS))
    yard.commit(
        {
            grunt: "\n".join([*lines, "", "# our own last line", ""]),
            yard.path(broken, ANSWERS): "name: [\n",
            yard.path(newer, ANSWERS): re.sub(r"_commit: .*", "_commit: v77.0.0", answers),
        }
    )
    with (infra / yard.path(dirty, "main.tf")).open("a") as stream:
        stream.write("# not committed\n")
    yard.fleet("update", "--only", waiting)
    completed = yard.fleet("update")
    states = yard.states(completed)
    assert states == {
        conflict: "conflict",
        dirty: "dirty",
        broken: "unreadable",
        newer: "newer",
        waiting: "waiting",
        well: "waiting",
    }
    assert completed.code == ExitCode.CONFLICT
    assert all(item["hint"] for item in completed.of("service"))
    assert yard.one(completed, conflict)["files"] == [{"path": grunt, "action": "conflict"}]
    assert yard.one(completed, dirty)["files"] == [{"path": yard.path(dirty, "main.tf"), "action": "uncommitted"}]
    assert "77.0.0" in yard.one(completed, newer)["message"]
    assert "YAML" in yard.one(completed, broken)["message"]
    assert {pull.head for pull in yard.world.infra.pulls.values()} == {update_branch(waiting), update_branch(well)}
    seen = yard.fleet("status")
    assert seen.code == 0
    assert yard.states(seen) == states | {conflict: "behind"}


def test_hostile_files_of_one_stack_stop_no_other(yard: Yard) -> None:
    """Each of them once ended the whole run, or took all of the memory."""
    deep, bomb, twisted, itself, large, well = yard.made.names
    lines = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    yard.commit(
        {
            yard.path(deep, ANSWERS): "[" * 50_000,
            yard.path(bomb, ANSWERS): "\n".join(["a0: &a0 [x, x]", *lines]),
            yard.path(twisted, ANSWERS): "name: !!bool maybe\n",
            yard.path(itself, ANSWERS): "profile: &a {b: *a}\n",
            yard.path(large, "large.tf"): b"#" * ((16 << 20) + 1),
        }
    )
    completed = yard.fleet("update")
    states = yard.states(completed)
    assert {states[name] for name in (deep, bomb, twisted, itself)} == {"unreadable"}
    assert states[well] == "waiting"
    assert completed.code != ExitCode.INTERNAL
    assert "nested deeper" in yard.one(completed, deep)["message"]
    assert states[large] in {state.value for state in State} - {State.CURRENT.value}


def test_a_question_without_an_answer_is_asked(yard: Yard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def change(root: Path) -> None:
        change_everything(root)
        config = root / "copier.yml"
        text = config.read_text()
        config.write_text(text.replace("if on_call == 'owner'", "if name == 'app-001'"))

    install(monkeypatch, add_release(tmp_path / "asking", change, "9.2.0"))
    completed = yard.fleet("update", "--only", "app-00[12]")
    assert (completed.code, yard.states(completed)) == (2, {"app-001": "asks", "app-002": "waiting"})
    asked = yard.one(completed, "app-001")
    assert asked["question"] == "pager_group"
    assert "--set pager_group=..." in asked["hint"]


@full
@owned
def test_repositories_that_can_not_be_updated(yard: Yard) -> None:
    missing, archived, unreadable = list(yard.made.services)[:3]
    forgejo, owner = yard.world.sandbox.forgejo, yard.world.platform.forgejo.owner
    del forgejo.repositories[f"{owner}/{missing}".lower()]
    yard.world.canonical(archived).archived = True
    yard.world.canonical(unreadable).bare.commit_files(yard.world.branch, {ANSWERS: "{}"}, "by hand", 1_783_000_000)
    completed = yard.fleet("update")
    found = {name: yard.one(completed, name, "service")["state"] for name in (missing, archived, unreadable)}
    assert found == {missing: "missing", archived: "archived", unreadable: "unreadable"}
    assert set(yard.states(completed).values()) == {"waiting"}
    assert completed.code == ExitCode.REFUSED
    seen = yard.fleet("status")
    assert seen.code == 0
    assert {name: yard.one(seen, name, "service")["state"] for name in found} == found
    listed = yard.fleet("list")
    assert {name: yard.one(listed, name, "service")["state"] for name in found} == found


@owned
def test_edits_are_reported_per_file(yard: Yard) -> None:
    name = next(iter(yard.made.services))
    main, extra = yard.path(name, "main.tf"), yard.path(name, "extra.tf")
    yard.commit({main: yard.file(main) + "# ours\n", extra: "# all ours\n"})
    repository = yard.world.canonical(name)
    repository.bare.commit_files(yard.world.branch, {"README.md": "ours\n"}, "by hand", 1_783_000_000)
    completed = yard.fleet("status", "--only", name)
    assert yard.one(completed, name)["files"] == [{"path": main, "action": "edited"}]
    assert yard.one(completed, name, "service")["files"] == [{"path": "README.md", "action": "edited"}]
    assert yard.one(completed, name)["version"] == "1.0.0"
    assert yard.one(completed, name)["to"] == NEXT


def test_edited_when_nothing_newer_is_out(yard: Yard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = releases.Releases(PACKAGE / "released")
    shutil.copy(known.folder / "1.0.0.zip", tmp_path)
    lines = json.loads((known.folder / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps([line for line in lines if line["version"] == "1.0.0"]))
    monkeypatch.setattr(releases, "FOLDER", tmp_path)
    main = yard.path("app-000", "main.tf")
    yard.commit({main: yard.file(main) + "# ours\n"})
    for command in (["status"], ["update"]):
        completed = yard.fleet(*command)
        wanted = "edited" if command == ["status"] else "current"  # an update need not look at what is current
        assert yard.states(completed) == dict.fromkeys(yard.made.names, "current") | {"app-000": wanted}
        assert completed.code == 0


def test_offline_nothing_is_asked(yard: Yard) -> None:
    yard.world.sandbox.pause()  # a request would wait for ever
    completed = yard.fleet("status", "--offline")
    assert (completed.code, completed.of("service")) == (0, [])
    git(yard.world.sandbox.infra, "pull", "--quiet", str(yard.bare.path), yard.world.base)
    completed = yard.fleet("list", "--offline")
    assert [item["name"] for item in completed.of("service")] == list(yard.made.names)
    yard.world.sandbox.resume()


def test_a_forge_that_does_not_answer_is_reported_before_anything_else(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGEJO_TOKEN", "wrong-token")
    for command in ("list", "status", "update"):
        assert yard.fleet(command).code == ExitCode.PREFLIGHT


def test_wrong_flags(yard: Yard, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("[]")
    for wrong in (
        ("status", "--shard", "4/3"),
        ("status", "--report", str(tmp_path / "report.pdf")),
        ("status", "--report", str(tmp_path / "nowhere" / "report.json")),
        ("update", "--retry", str(tmp_path / "no.json")),
        ("update", "--canary", "nobody"),
    ):
        assert yard.fleet(*wrong).code == ExitCode.USAGE, wrong
    assert yard.world.infra.pulls == {}


def test_the_worst_counts() -> None:
    place = Place("a", "stack", "o/infra", "stacks/a/")

    def code(*states: State) -> ExitCode:
        return exit_code(Finding(place, state) for state in states)

    assert code() == code(State.CURRENT, State.WAITING, State.ARCHIVED, State.DECLINED) == 0
    assert code(State.ASKS) == 2
    assert code(State.ASKS, State.UNREADABLE) == 4
    assert code(State.UNREADABLE, State.CONFLICT) == 6
    assert code(State.CONFLICT, State.FAILED) == code(State.PENDING) == code(State.CHECKS) == 5
    assert set(REMEDIES) == set(State)
