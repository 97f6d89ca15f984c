"""Where the first values of secrets come from: named, typed unseen, or left to be filled in; never overwritten."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pexpect
import pytest

from generator.base.errors import NewserviceError
from generator.base.secrets import Secret
from generator.clients.vault import Entry
from generator.engine.plan import Action, State
from generator.engine.seeds import LEFT_OPEN, TO_BE_TYPED, Seed, parse_seed, read_seed
from generator.engine.steps.vault import LATER, VaultSecrets
from tests.answers import UPSTREAM
from tests.invoke import Desk
from tests.world import World

SECRETS = {**UPSTREAM, "secrets": {"API_TOKEN": "api_token", "SIGNING_KEY": "signing_key"}}
FILL_IN = "fill in api_token: `vault kv patch secret/reader api_token=-`"


# --- sources -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", ["key=env:A_KEY", "key=file:some/place:here", "key=prompt", "key=later"])
def test_a_source_is_reported_as_it_was_given(pair: str) -> None:
    assert str(parse_seed(pair)) == pair


@pytest.mark.parametrize("source", ["", "hunter2", "hunter2:x", "env", "file", "later:hunter2", "prompt:", "ENV:X"])
def test_what_is_no_source_is_refused_and_not_repeated(source: str) -> None:
    with pytest.raises(NewserviceError) as caught:
        parse_seed(f"key={source}")
    assert caught.value.code == "seed.source"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "variable",
    ["PATH", "HOME", "SHELL", "USER", "LANG", "LC_ALL", "TERM", "TMPDIR", "VAULT_ADDR", "NEWSERVICE_PLATFORM",
     "GIT_DIR", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "PYTHONPATH", "https_proxy", "NO_PROXY"],
)  # fmt: skip
def test_a_variable_that_programs_need_is_no_secret_s_place(variable: str) -> None:
    with pytest.raises(NewserviceError) as caught:
        parse_seed(f"key=env:{variable}")
    assert caught.value.code == "seed.variable"
    assert variable in caught.value.message


@pytest.mark.parametrize("variable", ["API_KEY", "SSH_PRIVATE_KEY", "PATH_TOKEN", "MY_HOME", "READER_GITHUB_TOKEN"])
def test_any_other_variable_may_hold_a_secret(variable: str) -> None:
    assert parse_seed(f"key=env:{variable}").place == variable


def test_path_is_not_taken_from_children(desk: Desk) -> None:
    before = os.environ["PATH"]
    completed = desk.create(SECRETS, "--seed", "api_token=env:PATH")
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "seed.variable")
    assert os.environ["PATH"] == before
    assert desk.changed() == []


def test_values_come_from_where_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("two\nlines\n")
    assert read_seed(Seed("key", "env", "KEY"), {"KEY": " as it is "}) == Secret(" as it is ")
    assert read_seed(Seed("key", "file", str(tmp_path / "key")), {}) == Secret("two\nlines")
    assert read_seed(Seed("key", "later"), {}) is LEFT_OPEN
    assert read_seed(Seed("key", "prompt"), {}) is TO_BE_TYPED
    for seed, code in {
        Seed("key", "env", "KEY"): "seed.empty",
        Seed("key", "file", str(tmp_path)): "seed.unreadable",
        Seed("key", "file", str(tmp_path / "none")): "seed.unreadable",
        Seed("key", "file", "a\0b"): "seed.unreadable",
    }.items():
        with pytest.raises(NewserviceError) as caught:
            read_seed(seed, {})
        assert caught.value.code == code


def test_a_file_means_the_same_in_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(Seed("key", "file", "in/here").anywhere) == f"key=file:{tmp_path}/in/here"
    assert Seed("key", "env", "KEY").anywhere == Seed("key", "env", "KEY")


def test_a_value_that_others_can_read_is_reported(desk: Desk) -> None:
    key = desk.folder / "key"
    key.write_text("canary-in-a-file")
    notes = {}
    for mode in (0o644, 0o640, 0o600):
        key.chmod(mode)
        (event,) = desk.create(SECRETS, "--seed", f"api_token=file:{key}", command="plan").of("plan")
        notes[mode] = [note for note in event.get("notes", []) if str(key) in note]
    assert [len(found) for found in notes.values()] == [1, 1, 0]
    assert "api_token" in notes[0o644][0]


@pytest.mark.parametrize("command", ["plan", "create"])
def test_a_source_without_a_value_is_reported_before_anything_is_written(desk: Desk, command: str) -> None:
    (desk.folder / "empty").write_text("\n")
    completed = desk.create(SECRETS, "--seed", f"api_token=file:{desk.folder / 'empty'}", command=command)
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "seed.empty")
    completed = desk.create(SECRETS, "--seed", "nobody=later", command=command)
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "seed.unknown")
    assert desk.changed() == []


def test_nobody_types_where_nobody_is(desk: Desk) -> None:
    completed = desk.create(SECRETS, "--seed", "api_token=prompt")
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "seed.no_terminal")
    assert desk.changed() == []
    assert desk.create(SECRETS, "--seed", "api_token=prompt", command="plan").code == 0, "a plan asks for nothing"


# --- left to be filled in ------------------------------------------------------------------------------------


def run(seeds: dict[str, Secret] | None = None, elsewhere: tuple[str, ...] = ()) -> Any:
    platform = SimpleNamespace(vault=SimpleNamespace(mount="secret"))
    answers = SimpleNamespace(vault_properties=["b", "a"], known_elsewhere=list(elsewhere))
    seeds = seeds or {}
    kinds = {LEFT_OPEN: Seed("", "later"), TO_BE_TYPED: Seed("", "prompt")}
    sources = {name: replace(kinds.get(value, Seed("", "env", "KEY")), name=name) for name, value in seeds.items()}
    return SimpleNamespace(platform=platform, name="x", answers=answers, seeds=seeds, sources=sources)


def entry(*names: str, later: tuple[str, ...] = ()) -> Entry:
    return Entry(1 if names or later else 0, frozenset(names), Secret("{}"), "", {LATER + name: "x" for name in later})


GIVEN = Secret("given-value")


@pytest.mark.parametrize(
    ("seeds", "there", "state", "action", "expected"),
    [
        ({}, entry(), State.ABSENT, Action.CREATE, "a (generated), b (generated)"),
        ({"a": GIVEN}, entry("b"), State.DRIFTED, Action.UPDATE, "a (from env:KEY)"),
        ({"a": LEFT_OPEN}, entry(), State.ABSENT, Action.CREATE, "a (a person fills it in later), b (generated)"),
        ({"a": TO_BE_TYPED}, entry("b"), State.DRIFTED, Action.UPDATE, "a (typed when the plan is carried out)"),
        ({"a": LEFT_OPEN}, entry("b"), State.DRIFTED, Action.UPDATE, "a (a person fills it in later)"),
        ({"a": LEFT_OPEN}, entry("b", later=("a",)), State.PRESENT, Action.NONE, "has b; to be filled in: a"),
        ({}, entry("b", later=("a",)), State.PRESENT, Action.NONE, "has b; to be filled in: a"),
        ({}, entry(later=("a", "b")), State.PRESENT, Action.NONE, "has nothing yet; to be filled in: a, b"),
        ({"a": GIVEN}, entry("b", later=("a",)), State.DRIFTED, Action.UPDATE, "a (from env:KEY)"),
        ({}, entry("a", "b", later=("a",)), State.PRESENT, Action.NONE, "has a, b"),
        ({"a": LEFT_OPEN}, entry("a", "b"), State.PRESENT, Action.NONE, "has a, b"),
    ],
)
def test_what_is_left_open_is_neither_missing_nor_made_up(
    seeds: dict[str, Secret], there: Entry, state: State, action: Action, expected: str
) -> None:
    decision = VaultSecrets().decide(run(seeds), there)
    assert (decision.state, decision.action) == (state, action)
    assert decision.summary.endswith(expected)
    open_ones = expected.partition("to be filled in: ")[2].split(", ") if ": " in expected else []
    open_ones = open_ones if open_ones != [""] else []
    assert len(decision.to_do) == (expected.count("(a person fills it in later)") or len(open_ones))


def test_what_another_system_knows_is_refused_unless_it_is_left_open() -> None:
    refused = VaultSecrets().decide(run(elsewhere=("a",)), entry())
    assert refused.action is Action.REFUSE
    assert all(text in refused.hint for text in ("--seed a=env:VARIABLE", "=prompt", "=later"))
    assert VaultSecrets().decide(run({"a": LEFT_OPEN}, ("a",)), entry()).action is Action.CREATE
    assert VaultSecrets().decide(run({}, ("a",)), entry("b", later=("a",))).action is Action.NONE


def test_nobody_makes_up_what_somebody_said_he_would_fill_in(world: World) -> None:
    vault = world.sandbox.vault
    completed = world.run("create", SECRETS, "--seed", "api_token=later", "--seed", "signing_key=later")
    assert completed.result["status"] == "success", completed.out
    assert any(line.startswith(FILL_IN) for line in completed.result["next"])
    assert vault.read("reader") == {}

    again = world.run("create", SECRETS)
    assert again.result["status"] == "unchanged", again.out
    assert any(line.startswith(FILL_IN) for line in again.result["next"])
    assert vault.read("reader") == {}
    completed = world.command("status", "reader")
    assert len([line for line in completed.result["next"] if line.startswith("fill in")]) == 2
    (event,) = completed.of("plan")
    (step,) = [item for item in event["steps"] if item["id"] == "vault.secrets"]
    assert (step["state"], step["action"]) == ("present", "none")
    assert "to be filled in: api_token, signing_key" in step["summary"]

    vault.write("reader", {"api_token": "by hand"})  # as `vault kv patch` does
    world.monkeypatch.setenv("THE_KEY", "from-the-environment")
    completed = world.run("create", SECRETS, "--seed", "signing_key=env:THE_KEY")
    assert completed.result["status"] == "success"
    assert vault.read("reader") == {"api_token": "by hand", "signing_key": "from-the-environment"}
    assert not [line for line in completed.result["next"] if line.startswith("fill in")]


# --- typed --------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning")
def test_a_value_is_typed_twice_and_never_shown(world: World) -> None:
    """The plan says only that it will be typed; carrying it out asks, right before the first write."""
    canary, path = "canary-that-is-typed", world.folder / "plan.json"
    assert world.run("plan", SECRETS, "--seed", "api_token=prompt", "--out", str(path)).code == 0
    process: pexpect.spawn[str] = pexpect.spawn(
        sys.executable,
        ["-m", "generator", "apply", str(path), "--platform", str(world.sandbox.profile), "--yes"],
        env={**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=60,
    )
    process.delaybeforesend = None
    seen = ""
    asked = ["not shown", "again:", "two values differ", "not shown", "again:"]
    for question, typed in zip(asked, [canary, "another", "", canary, canary], strict=True):
        process.expect_exact(question)
        seen += f"{process.before}{process.after}"
        assert not world.sandbox.vault.secrets.get("reader"), "asked before anything is written"
        if typed:
            process.send(f"{typed}\r")
    process.expect(pexpect.EOF)
    seen += str(process.before)
    process.close()
    assert process.exitstatus == 0, seen
    assert canary not in seen + path.read_text()
    assert "two values differ" in seen
    assert world.sandbox.vault.read("reader")["api_token"] == canary
    assert len(world.sandbox.vault.read("reader")["signing_key"]) >= 32
