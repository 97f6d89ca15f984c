"""Nothing is asked twice: where commands find the answers of a service, and what other answers lead to."""

from __future__ import annotations

import shlex
import shutil
import stat
from typing import Any

import pytest
import yaml

import generator.wizard
from generator.sandbox import FaultKind
from generator.template.amendment import Amendment, amendment_between
from generator.template.files import ANSWERS_FILE
from tests.answers import SMALLEST, UPSTREAM
from tests.invoke import Desk
from tests.test_races import merge
from tests.wizard.script import ENTER, Script
from tests.world import Completed, World

NAME, READER = str(SMALLEST["name"]), str(UPSTREAM["name"])


def rewritten(content: bytes, **answers: Any) -> bytes:
    """An answers file with other answers."""
    return yaml.safe_dump({**yaml.safe_load(content), **answers}).encode()


def steps(completed: Completed) -> dict[str, str]:
    return {step["id"]: step["state"] for step in completed.of("plan")[0]["steps"]}


# --- where answers are found ---------------------------------------------------------------------------------


@pytest.mark.parametrize("merged", [False, True], ids=["waiting", "merged"])
def test_create_continues_with_what_the_stack_records(world: World, merged: bool) -> None:
    """From a machine that has nothing of it; a flag that says the same is no matter."""
    assert world.run("create", {**UPSTREAM, "memory": "256Mi"}).code == 0
    if merged:
        world.merge(READER)
    for more in ((), ("--memory", "256Mi"), ("--title", "Reader")):
        completed = world.command("create", READER, "--yes", *more)
        assert (completed.code, completed.result["status"]) == (0, "unchanged"), completed
    assert world.command("plan", READER).of("plan")[0]["answers"]["memory"] == "256Mi"


def test_other_answers_are_refused_with_the_command_that_changes_them(world: World) -> None:
    recorded = {**UPSTREAM, "env": {"TZ": "UTC", "LOG_LEVEL": "info"}, "memory": "256Mi"}
    assert world.run("create", recorded).code == 0
    before = world.infra.bare.heads()
    flags = ("--memory", "512Mi", "--title", "Reader's feeds", "--env", "TZ=CET", "--port", "8080")
    completed = world.command("create", READER, "--yes", *flags)
    assert completed.code == 4
    (error,) = completed.of("error")
    assert error["code"] == "infra.commit.refused"
    command = shlex.split(error["hint"].partition(": ")[2])
    assert command[:3] == ["newservice", "change", READER]
    assert ["--platform", str(world.sandbox.profile)] == command[3:5]
    said = list(zip(command[7::2], command[8::2], strict=True))
    assert said == [
        ("--unset", "env.LOG_LEVEL"),
        ("--set", "title=Reader's feeds"),
        ("--set", 'env={"TZ": "CET"}'),
        ("--set", "memory=512Mi"),
    ]
    assert world.infra.bare.heads() == before


def test_the_command_never_holds_a_credential(world: World) -> None:
    world.have(UPSTREAM)
    token = world.sandbox.tokens.forgejo
    completed = world.command("create", READER, "--yes", "--env", f"TOKEN={token}")
    assert completed.code == 2
    assert token not in completed.out + completed.err
    assert "newservice change" not in completed.out


def test_the_stack_on_the_forge_counts_before_everything_here(world: World) -> None:
    """An answers file of the service's own may lag behind: a change that does not concern its tree leaves it alone."""
    assert world.run("create", {**SMALLEST, "memory": "256Mi"}).code == 0
    stack = f"{world.platform.infra.stack(NAME)}{ANSWERS_FILE}"
    own = world.folder / NAME / ANSWERS_FILE
    own.write_bytes(rewritten(own.read_bytes(), memory="128Mi"))
    head = world.canonical(NAME).bare.heads()[world.branch]
    content = world.canonical(NAME).bare.file(head, ANSWERS_FILE) or b""
    files = {ANSWERS_FILE: rewritten(content, memory="128Mi")}
    for bare in (world.canonical(NAME).bare, world.mirror(NAME).bare):
        bare.commit_files(world.branch, files, "chore: by hand", 1_790_000_000)
    assert b"256Mi" in (world.infra.bare.file(f"newservice/{NAME}", stack) or b"")

    completed = world.command("status", NAME, "--service-dir", str(world.folder / NAME))
    assert completed.result["status"] == "unchanged", completed
    assert set(steps(completed).values()) == {"present"}
    assert {item["action"] for item in completed.of("plan")[0]["files"]} == {"unchanged"}
    assert world.command("create", NAME, "--yes").result["status"] == "unchanged"
    refused = world.command("create", NAME, "--yes", "--memory", "128Mi")
    assert (refused.code, refused.of("error")[0]["code"]) == (4, "infra.commit.refused")


def test_what_is_here_counts_where_the_forge_knows_nothing_or_can_not_be_asked(world: World) -> None:
    assert world.run("create", SMALLEST, "--no-provision").code == 0
    for command in ("status", "plan"):
        completed = world.command(command, NAME, "--service-dir", str(world.folder / NAME))
        assert completed.code == 0, completed
    shutil.rmtree(world.folder / NAME)  # the infra clone still has the stack
    completed = world.command("status", NAME, "--no-provision")
    assert completed.code == 0
    world.sandbox.faults.add("forgejo", "GET", "", 1000, FaultKind.FORBIDDEN)
    completed = world.command("status", NAME)
    assert (completed.code, completed.result["status"]) == (3, "error")
    assert completed.of("plan"), "the answers are known, so every step is listed"


def test_files_only_with_other_answers_is_refused_with_that_command(desk: Desk) -> None:
    assert desk.create(UPSTREAM).code == 0
    assert desk.create(UPSTREAM).result["status"] == "unchanged"
    before = desk.snapshot()
    completed = desk.create({**UPSTREAM, "memory": "512Mi"})
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) == (4, "files.answers")
    assert error["hint"].endswith("--no-provision --set memory=512Mi")
    assert desk.snapshot() == before


# --- the shortest command from one to the other --------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ({"a": "1"}, {"a": "1"}, Amendment()),
        ({"a": "1", "b": "2"}, {"a": "3", "b": "2"}, Amendment({"q": {"a": "3"}})),
        ({"a": "1", "b": "2"}, {"a": "1"}, Amendment({}, ("q.b",))),
        ({"a.b": "1", "c": "2"}, {"c": "2"}, Amendment({"q": {"c": "2"}}, (), frozenset({"q"}))),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, Amendment({"q": {"a": {"x": 1}}}, (), frozenset({"q"}))),
        ([{"name": "a", "size": 1}], [{"name": "a", "size": 1}, {"name": "b"}], Amendment({"q": [{"name": "b"}]})),
        ([{"name": "a"}, {"name": "b"}], [{"name": "b"}], Amendment({}, ("q.a",))),
        (["x", "y"], ["y"], Amendment({"q": ["y"]})),
        (["x"], [], Amendment({"q": []}, (), frozenset({"q"}))),
        (None, {"engine": "postgres"}, Amendment({"q": {"engine": "postgres"}})),
        ({"engine": "postgres"}, None, Amendment({"q": None})),
        (1, True, Amendment({"q": True})),
    ],
)
def test_what_leads_from_one_answer_to_another(old: Any, new: Any, wanted: Amendment) -> None:
    amendment = amendment_between({"q": old, "other": 1}, {"q": new})
    assert amendment == wanted
    assert amendment.applied({"q": old})["q"] == new


# --- answers that no repository records yet ------------------------------------------------------------------


def person(world: World, monkeypatch: pytest.MonkeyPatch, *arguments: str, script: Script) -> Completed:
    """The command with a person at the terminal."""
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        patch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        patch.setattr(generator.wizard, "open_prompter", lambda: script)
        places = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra))
        completed = world.tell([*arguments, *places])
    assert script.through, completed
    return completed


CARRY_OUT = (("Your answers", ENTER), ("Carry it out?", "carry it out"))
TYPED = ("--title", "Reads", "--description", "Reads feeds", "--image-source", "upstream", "--image", "nginx:1")


def test_answers_are_kept_until_a_repository_records_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first write; the same command, ``status`` and ``remove`` find them again."""
    monkeypatch.chdir(world.folder)
    kept = world.folder / f"{READER}.answers.yml"
    world.sandbox.faults.add("forgejo", "POST", r"git-receive-pack", 1000, FaultKind.FORBIDDEN)
    completed = person(world, monkeypatch, "create", READER, *TYPED, script=Script(*CARRY_OUT, enter=True))
    assert completed.code == 5, completed
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert yaml.safe_load(kept.read_text())["image"] == "nginx:1"
    assert f"newservice create {READER} --platform {world.sandbox.profile}" in completed.out
    for command in ("status", "plan", "remove"):
        found = world.command(command, READER, *(("--dry-run",) if command == "remove" else ()))
        assert found.code == 0, found
    assert kept.exists()
    world.sandbox.faults.clear()

    completed = person(world, monkeypatch, "create", READER, script=Script(*CARRY_OUT))
    assert completed.code == 0, completed
    assert not kept.exists()
    assert world.command("status", READER).result["status"] == "unchanged"


@pytest.mark.parametrize("link", [False, True])
def test_a_file_of_somebody_s_own_is_neither_read_nor_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch, link: bool
) -> None:
    monkeypatch.chdir(world.folder)
    own, target = world.folder / f"{READER}.answers.yml", world.folder / "elsewhere.yml"
    text = yaml.safe_dump({**UPSTREAM, "memory": "1Gi"})
    (target if link else own).write_text(f"# Answers of `newservice create`\n{text}" if link else text)
    if link:
        own.symlink_to(target)
    assert world.command("plan", READER).code == 2
    world.sandbox.faults.add("forgejo", "POST", r"git-receive-pack", 1000, FaultKind.FORBIDDEN)
    completed = person(world, monkeypatch, "create", READER, *TYPED, script=Script(*CARRY_OUT, enter=True))
    assert completed.code == 5
    second = world.folder / f"{READER}.answers-2.yml"
    assert f"--answers {second}" in completed.out
    assert text in own.read_text()
    world.sandbox.faults.clear()
    more = ("--answers", str(second))
    assert person(world, monkeypatch, "create", READER, *more, script=Script(*CARRY_OUT)).code == 0
    assert not second.exists()
    assert text in own.read_text()


def test_a_name_that_nobody_knows_names_those_that_are_near(world: World) -> None:
    world.have(UPSTREAM)
    for command in ("status", "verify", "remove"):
        completed = world.command(command, "raeder")
        (error,) = completed.of("error")
        assert (completed.code, error["code"]) == (2, "status.unknown")
        assert f"did you mean {READER}?" in error["hint"]
    world.merge(READER)
    assert f"did you mean {READER}?" in world.command("status", "readr").of("error")[0]["hint"]


# --- a pull request that another one has overtaken ------------------------------------------------------------


def test_who_waits_for_review_learns_that_the_branch_can_no_longer_be_merged(world: World) -> None:
    world.have(UPSTREAM)
    name = "reader-two"  # both are registered in the same places
    assert world.run("create", {**UPSTREAM, "name": name}).code == 0
    assert world.command("status", name).result["status"] == "unchanged"
    assert merge(world, READER) == 200
    completed = world.command("status", name)
    command = completed.result["next"][0]
    assert completed.result["status"] == "partial"
    assert command.startswith(f"newservice create {name} ")
    assert "can no longer be merged" in next(
        step["summary"] for step in completed.of("plan")[0]["steps"] if step["id"] == "infra.commit"
    )
    completed = world.command("verify", name)
    check = next(item for item in completed.of("check") if item["id"] == "infra.stack")
    assert (check["state"], completed.code) == ("failed", 7)
    assert command in check["hint"]
    assert world.tell([*shlex.split(command)[1:], "--yes", "--json"]).code == 0
    assert world.command("status", name).result["status"] == "unchanged"
    check = next(item for item in world.command("verify", name).of("check") if item["id"] == "infra.stack")
    assert check["state"] == "waiting"
