"""Secrets of a service that exists: what is known of them, and writing them again. No value is ever seen."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pexpect
import pytest

from generator.sandbox import FaultKind
from generator.sandbox.woodpecker.state import Secret as PipelineSecret
from tests.answers import RICH, SMALLEST, UPSTREAM
from tests.test_secrecy import credentials, disk, recording_git, sightings
from tests.world import Completed, World

NAME = str(RICH["name"])
ACTIONS = ["FORGEJO_GIT_TOKEN", "SLACK_WEBHOOK", "WOODPECKER_TOKEN"]
CANARY = "canary-of-the-new-value/+é"


@pytest.fixture
def made(world: World) -> World:
    """A service with secrets, waiting for its merge."""
    world.have(RICH)
    return world


def checks(completed: Completed) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in completed.of("check")}


def puts(world: World, since: int = 0) -> list[str]:
    """The Actions secrets that were written, by mirror and name."""
    written = [item.path for item in list(world.sandbox.journal)[since:] if item.method == "PUT" and item.is_write]
    return ["/".join(path.split("/")[-4:]) for path in written if "/actions/secrets/" in path]


def outputs(completed: Completed) -> dict[str, bytes]:
    return {"output": completed.out.encode(), "errors": completed.err.encode()}


def unseen(world: World, completed: Completed, more: Iterable[str] = ()) -> None:
    """No credential and no value in what was said, nor below the home and the folder."""
    places = {**outputs(completed), **disk(Path.home(), world.folder)}
    assert sightings([*credentials(world), *more], places) == []


# --- show -----------------------------------------------------------------------------------------------------


def test_show_everything(made: World) -> None:
    values = list(made.sandbox.vault.read(NAME).values())
    journal = len(made.sandbox.journal)
    completed = made.command("secrets", "show", NAME)
    assert completed.code == 0, completed.out
    assert not [item for item in list(made.sandbox.journal)[journal:] if item.is_write]
    found = checks(completed)
    assert sorted(found) == [*(f"actions.{name}" for name in ACTIONS), "vault.api_token", "vault.signing_key"]
    assert {item["state"] for item in found.values()} == {"ok"}
    token = found["vault.api_token"]["facts"]
    assert (token["version"], token["created_by"], token["exists"]) == (1, "newservice", True)
    assert any("API_TOKEN" in place and "kubernetes_deployment" in place for place in token["used_by"]), token
    assert any("kubernetes_manifest" in place for place in token["used_by"]), token
    woodpecker = found["actions.WOODPECKER_TOKEN"]["facts"]
    assert woodpecker["used_by"] == [".github/workflows/build.yml (deploy)"], woodpecker
    assert woodpecker["written"].endswith("Z")
    assert completed.result["status"] == "unchanged"
    unseen(made, completed, values)
    places = ["--platform", str(made.sandbox.profile), "--infra", str(made.sandbox.infra)]
    as_text = made.tell(["secrets", "show", NAME, *places])
    assert "vault.api_token" in as_text.out
    assert "written by newservice" in as_text.out
    unseen(made, as_text, values)


def test_show_what_is_missing_and_what_was_added(made: World) -> None:
    mirror = made.mirror(NAME)
    mirror.secrets["EXTRA"] = mirror.secrets.pop("SLACK_WEBHOOK")
    kept = made.sandbox.vault.read(NAME)
    made.sandbox.vault.write(NAME, {"signing_key": kept["signing_key"], "by_hand": "a value of a person"})
    row = made.sandbox.woodpecker.repository(made.mirror_name(NAME))
    row.secrets["deploy_key"] = PipelineSecret(1, "deploy_key", "a value of a person", ["push"])
    completed = made.command("secrets", "show", NAME)
    found = checks(completed)
    assert completed.code == 0
    assert completed.result["status"] == "partial"
    assert {name for name, item in found.items() if item["state"] == "failed"} == {
        "actions.SLACK_WEBHOOK",
        "vault.api_token",
    }
    assert found["actions.SLACK_WEBHOOK"]["hint"] == f"newservice secrets push {NAME}"
    assert f"vault kv patch secret/{NAME} api_token=-" in found["vault.api_token"]["hint"]
    assert found["vault.signing_key"]["facts"]["created_by"] == "changed"
    assert "do not ask for it" in found["vault.by_hand"]["summary"]
    assert found["actions.EXTRA"]["facts"]["created_by"] == "unknown"
    assert found["woodpecker.deploy_key"]["facts"]["exists"] is True
    unseen(made, completed, ["a value of a person"])


def test_show_names_a_system_that_it_does_not_see(made: World) -> None:
    made.sandbox.faults.add("vault", "GET", f"/data/{NAME}", None, FaultKind.FORBIDDEN)
    completed = made.command("secrets", "show", NAME)
    assert completed.code == 3
    states = {name: item["state"] for name, item in checks(completed).items()}
    assert states["vault.api_token"] == states["vault.signing_key"] == "unknown"
    assert states["actions.WOODPECKER_TOKEN"] == "ok"


def test_show_a_service_without_secrets(world: World) -> None:
    given = {**UPSTREAM}
    assert world.run("create", given).code == 0
    completed = world.command("secrets", "show", str(given["name"]))
    assert (completed.code, completed.of("check")) == (0, [])


# --- push -----------------------------------------------------------------------------------------------------


def test_push_writes_all_actions_secrets_again(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK", "https://hooks.example.test/canary-of-the-webhook")
    since = len(made.sandbox.journal)
    dry = made.command("secrets", "push", NAME, "--dry-run")
    assert dry.code == 0
    assert [step["action"] for step in dry.of("plan")[0]["steps"]] == ["update"]
    assert puts(made, since) == []
    versions = len(made.sandbox.vault.secrets[NAME])
    completed = made.command("secrets", "push", NAME, "--yes")
    assert completed.code == 0, completed.out
    assert [(step["id"], step["status"]) for step in completed.of("step")] == [("github.secrets", "done")]
    assert sorted(path.rpartition("/")[2] for path in puts(made, since)) == ACTIONS
    written = made.sandbox.github.secret(made.mirror_name(NAME), "SLACK_WEBHOOK")
    assert written == "https://hooks.example.test/canary-of-the-webhook"
    assert len(made.sandbox.vault.secrets[NAME]) == versions
    for each in (dry, completed):
        unseen(made, each, [written])


def test_push_refuses_a_token_that_its_system_does_not_accept(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WOODPECKER_TOKEN", "a-token-of-last-year")
    since = len(made.sandbox.journal)
    completed = made.command("secrets", "push", NAME, "--yes")
    assert completed.code == 3
    assert completed.of("error")[0]["code"] == "woodpecker.unauthorized"
    assert puts(made, since) == []


def test_push_refuses_a_mirror_of_others_and_an_archived_one(made: World) -> None:
    made.mirror(NAME).archived = True
    completed = made.command("secrets", "push", NAME, "--yes")
    assert completed.code == 4
    assert "archived" in completed.of("error")[0]["message"]
    made.mirror(NAME).archived = False
    made.mirror(NAME).description = "a repository of its own"
    since = len(made.sandbox.journal)
    assert made.command("secrets", "push", NAME, "--yes").code == 4
    assert puts(made, since) == []


def test_push_for_a_service_without_ci(world: World) -> None:
    assert world.run("create", {**SMALLEST, "ci": False}).code == 0
    completed = world.command("secrets", "push", str(SMALLEST["name"]), "--yes")
    assert (completed.code, completed.result["status"]) == (0, "unchanged")


# --- replacing a property -------------------------------------------------------------------------------------


def test_replace_keeps_everything_else_and_the_old_version(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_API_TOKEN", CANARY)
    before, since = made.sandbox.vault.read(NAME), len(made.sandbox.journal)
    completed = made.command("secrets", "push", NAME, "--replace", "api_token=env:NEW_API_TOKEN", "--yes")
    assert completed.code == 0, completed.out
    assert made.sandbox.vault.read(NAME) == {**before, "api_token": CANARY}
    assert made.sandbox.vault.secrets[NAME][0].data == before
    (step,) = completed.of("step")
    assert (step["id"], step["status"]) == ("vault.secrets", "done")
    assert "version 1 is kept" in step["summary"]
    back = f"vault kv get -version=1 -field=api_token secret/{NAME} | vault kv patch secret/{NAME} api_token=-"
    assert back in completed.result["next"][0]
    assert puts(made, since) == []  # the Actions secrets were not named
    patch = next(item for item in list(made.sandbox.journal)[since:] if item.is_write and "/data/" in item.path)
    assert patch.method == "PATCH"
    assert before["signing_key"].encode() not in patch.request_body
    unseen(made, completed, [CANARY, *before.values()])
    assert checks(made.command("secrets", "show", NAME))["vault.api_token"]["facts"]["created_by"] == "newservice"
    again = made.command("secrets", "push", NAME, "--replace", "api_token=env:NEW_API_TOKEN", "--yes")
    assert (again.code, again.result["status"]) == (0, "unchanged")
    assert len(made.sandbox.vault.secrets[NAME]) == 2


def test_no_child_is_given_the_new_value(made: World, tmp_path: Path) -> None:
    """In a process of its own: the platform of this one starts git too."""
    places = ("--platform", str(made.sandbox.profile), "--infra", str(made.sandbox.infra))
    line = ("secrets", "push", NAME, "--replace", "api_token=env:NEW_API_TOKEN", "--yes", *places)
    environ = {**os.environ, **made.sandbox.environment, "NEW_API_TOKEN": CANARY}
    completed = subprocess.run(
        [sys.executable, "-m", "generator", *line],
        env={**environ, "PATH": recording_git(tmp_path / "bin")},
        capture_output=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    assert made.sandbox.vault.read(NAME)["api_token"] == CANARY
    seen = {path.name: path.read_bytes() for path in (tmp_path / "bin").glob("seen.*")}
    assert seen
    assert sightings([CANARY, *credentials(made)], {**seen, "out": completed.stdout, "err": completed.stderr}) == []


def test_replace_without_the_right_to_patch(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_API_TOKEN", CANARY)
    made.sandbox.vault.capabilities = ["create", "read", "update"]
    before = made.sandbox.vault.read(NAME)
    completed = made.command("secrets", "push", NAME, "--replace", "api_token=env:NEW_API_TOKEN", "--yes")
    assert completed.code == 0, completed.out
    assert made.sandbox.vault.read(NAME) == {**before, "api_token": CANARY}


def test_replace_when_the_answer_is_lost(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_API_TOKEN", CANARY)
    made.sandbox.faults.add("vault", "PATCH", f"/data/{NAME}", 1, FaultKind.RESET_AFTER)
    completed = made.command("secrets", "push", NAME, "--replace", "api_token=env:NEW_API_TOKEN", "--yes")
    assert completed.code == 0, completed.out
    assert completed.of("step")[0]["status"] == "done"
    assert len(made.sandbox.vault.secrets[NAME]) == 2


def test_replace_does_not_overwrite_what_was_written_meanwhile(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEW_API_TOKEN", CANARY)
    vault = made.sandbox.vault

    def meanwhile(request: Any) -> Any:
        if request.method == "PATCH" and request.path.endswith(f"/data/{NAME}"):
            vault.write(NAME, {**vault.read(NAME), "signing_key": "changed by a colleague"})
        return vault(request)

    made.sandbox.lead_to("vault", meanwhile)
    completed = made.command("secrets", "push", NAME, "--replace", "api_token=env:NEW_API_TOKEN", "--yes")
    assert completed.code == 5
    assert vault.read(NAME)["signing_key"] == "changed by a colleague"
    assert vault.read(NAME)["api_token"] != CANARY


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("api_token=later", "seed.source"),
        ("api_token=ghp_the_value_itself", "seed.source"),
        ("other=env:NEW_API_TOKEN", "seed.unknown"),
        ("api_token=env:NOT_SET", "seed.empty"),
        ("api_token=env:GITHUB_TOKEN", "seed.credential"),
        ("api_token=prompt", "seed.no_terminal"),
    ],
)
def test_replace_takes_the_sources_of_a_seed(
    made: World, monkeypatch: pytest.MonkeyPatch, source: str, code: str
) -> None:
    monkeypatch.setenv("NEW_API_TOKEN", CANARY)
    completed = made.command("secrets", "push", NAME, "--replace", source, "--yes")
    error = completed.of("error")[0]
    assert error["code"] == code
    assert "--seed" not in error["message"]
    assert "the_value_itself" not in completed.out
    assert len(made.sandbox.vault.secrets[NAME]) == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning")
def test_a_value_is_typed_after_the_plan_was_confirmed(made: World) -> None:
    before = made.sandbox.vault.read(NAME)
    places = ["--platform", str(made.sandbox.profile), "--infra", str(made.sandbox.infra)]
    process: pexpect.spawn[str] = pexpect.spawn(
        sys.executable,
        ["-m", "generator", "secrets", "push", NAME, "--replace", "api_token=prompt", *places],
        env={**os.environ, **made.sandbox.environment, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=60,
    )
    heard = io.StringIO()
    process.logfile_read = heard
    process.delaybeforesend = None
    process.expect("typed when the plan is carried out")
    process.expect(r"Carry out this plan\?")
    process.send("y\r")
    for question in ("not shown", "again:"):
        process.expect_exact(question)
        process.send("typed-canary-4711\r")
    process.expect(pexpect.EOF)
    process.close()
    assert process.exitstatus == 0, heard.getvalue()
    assert made.sandbox.vault.read(NAME) == {**before, "api_token": "typed-canary-4711"}
    assert "typed-canary-4711" not in heard.getvalue()
    assert "version 1 is kept" in heard.getvalue()
