"""No secret is ever seen: not in output, arguments, environments of children or on the disk, on good days and bad.

Canaries are every credential, the values of seeds, and the values that newservice makes up itself, each as it is, as
addresses write it, and in base64. What a person types is looked for in ``tests/test_seeds.py``.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from generator.base.errors import UsageError
from generator.base.secrets import MASK, Secret, redact
from generator.engine.credentials import refuse_secrets
from generator.sandbox import FaultKind, Status
from tests.answers import RICH, SMALLEST, UPSTREAM, answer
from tests.full import few
from tests.world import Completed, World

pytestmark = pytest.mark.usefixtures("own_cache")  # so that it is among the places that are looked at

NAME = str(RICH["name"])
THREE = {**RICH, "secrets": {**RICH["secrets"], "MADE_UP": "made_up"}}
FROM_ENVIRONMENT, FROM_FILE = "canary-of-the-environment/+é", "canary of a file: 4711?&"


def forms(canary: str) -> set[bytes]:
    """How a canary may be written: as it is, in an address, and in base64 wherever it begins there."""
    content = canary.encode()
    found = {content, quote(canary, safe="").encode(), quote(canary).encode()}
    for before in range(3):
        # Only what depends on the canary alone: without the letters that its neighbours have a part in.
        start, end = (before * 8 + 5) // 6, (before + len(content)) * 8 // 6
        text = base64.b64encode(b"x" * before + content + b"xxx")[start:end]
        found |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def sightings(canaries: Iterable[str], places: dict[str, bytes]) -> list[str]:
    """Where which canary is seen, by its number."""
    wanted = [(number, form) for number, canary in enumerate(canaries) for form in forms(canary)]
    return [
        f"canary {number} in {place}" for place, content in places.items() for number, form in wanted if form in content
    ]


def credentials(world: World) -> list[str]:
    return [value for name, value in world.sandbox.environment.items() if name != "VAULT_ADDR"]


def disk(*folders: Path) -> dict[str, bytes]:
    """Every file below these folders, and everything that git keeps in those that are repositories."""
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                found[str(path)] = path.read_bytes()
            if path.name == ".git" and path.is_dir():
                objects = ["git", "-C", str(path.parent), "cat-file", "--batch-all-objects", "--batch"]
                found[f"objects of {path}"] = subprocess.run(objects, capture_output=True, check=True).stdout
    return found


def processes(root: int) -> dict[int, tuple[bytes, bytes]]:
    """Arguments and environment of a process and of all that it started."""
    parents, found = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            found[int(place.name)] = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
        except (OSError, IndexError):
            continue
    family = {root}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return {number: found[number] for number in family if number in found}


def recording_git(folder: Path) -> str:
    """A PATH on which git writes down the arguments and the environment of every call."""
    folder.mkdir()
    real = shutil.which("git")
    (folder / "git").write_text(f'#!/bin/sh\n(echo "ARGS $*"; env) >> "{folder}/seen.$$"\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


# --- the canaries themselves ----------------------------------------------------------------------------------


def test_a_canary_is_found_in_every_form() -> None:
    """The tests below can fail."""
    canary = FROM_ENVIRONMENT
    for user in ("", "a", "ab", "viktor:"):
        for rest in ("", "!", "!!"):
            basic = base64.b64encode(f"{user}{canary}{rest}".encode())
            assert sightings([canary], {"basic": b"Authorization: Basic " + basic})
    assert sightings([canary], {"address": f"https://x:{quote(canary, safe='')}@forge".encode()})
    assert not sightings([canary], {"nothing": b"canary-of-the-house"})


def test_what_is_printed_passes_a_net_that_knows_these_forms() -> None:
    canary = "canary-in-the-net/+é-4711"
    Secret(canary)
    for user in ("", "a", "ab", "viktor:"):
        completed = f"Basic {base64.b64encode(f'{user}{canary}'.encode()).decode()} {quote(canary, safe='')} {canary}"
        assert not sightings([canary], {"told": redact(completed).encode()})


# --- a whole run ----------------------------------------------------------------------------------------------


def test_a_whole_run_shows_and_leaves_no_secret(world: World, tmp_path: Path) -> None:
    """Held in the middle of its push, when a child has a token, and looked at from outside; and what it leaves."""
    temporary, tools, seed = tmp_path / "temporary", tmp_path / "tools", tmp_path / "seed"
    temporary.mkdir()
    seed.write_text(FROM_FILE)
    seed.chmod(0o600)
    seeds = ("--seed", "api_token=env:CANARY", "--seed", f"signing_key=file:{seed}")
    canaries = [*credentials(world), FROM_ENVIRONMENT, FROM_FILE]
    world.monkeypatch.setenv("CANARY", FROM_ENVIRONMENT)
    kept = world.folder / "plan.json"
    assert world.run("plan", THREE, *seeds, "--out", str(kept)).code == 0
    world.sandbox.faults.add("forgejo", "POST", "git-receive-pack", 1, FaultKind.HOLD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", recording_git(tools))
        patch.setenv("TMPDIR", str(temporary))
        process = world.start("create", THREE, *seeds, "--verbose", "--diff")
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(process.communicate)  # the diff is longer than a pipe holds
        world.sandbox.wait_until_held()
        family = processes(process.pid)
        world.sandbox.resume()
        out, err = said.result()
    assert process.returncode == 0, out + err
    stored = world.sandbox.vault.read(NAME)
    assert (stored["api_token"], stored["signing_key"]) == (FROM_ENVIRONMENT, FROM_FILE)
    canaries.append(stored["made_up"])

    children = {number: completed for number, completed in family.items() if number != process.pid}
    assert any(b"push" in arguments for arguments, _ in children.values()), "nothing was caught in the push"
    arguments = {f"arguments of {number}": completed for number, (completed, _) in family.items()}
    assert sightings(canaries, {"output": out.encode(), "log": err.encode(), **arguments}) == []
    places = disk(Path.home(), temporary, world.folder, world.sandbox.infra)
    assert any(path.startswith("objects of") and NAME in path for path in places)
    assert sightings(canaries, places) == []
    assert kept.stat().st_mode & 0o077 == 0

    # A push or fetch needs one token, and has it under our own name and in its header; no other child has any.
    caught = [environment.replace(b"\0", b"\n") for _, environment in children.values()]
    calls = [path.read_bytes() for path in tools.glob("seen.*")]
    calls = [text for text in calls if not text.startswith(b"ARGS version")]  # before any credential is known
    assert len(calls) > 10
    for text in [*caught, *calls]:
        lines = [line for line in text.splitlines() if sightings(canaries, {"": line})]
        allowed = re.compile(rb"NEWSERVICE_GIT_TOKEN=|GIT_CONFIG_VALUE_\d+=Authorization: Basic ")
        assert all(allowed.match(line) for line in lines), text
        first = text.partition(b"\n")[0]
        needs = not first.startswith(b"ARGS") or any(word in first for word in (b" push ", b" fetch "))
        assert needs or not lines, first


# --- bad days -------------------------------------------------------------------------------------------------


def echo(world: World) -> str:
    """What a system might quote back: every credential in every form."""
    return " ".join(
        text for token in credentials(world) for text in (token, quote(token, safe=""), basic(token), f"Bearer {token}")
    )


def basic(token: str) -> str:
    return base64.b64encode(f"viktor:{token}".encode()).decode()


def bad_days(world: World) -> dict[str, FaultKind | Status]:
    completed = echo(world)
    as_json = f'{{"message": "{completed}", "errors": ["{completed}"], "error": "{completed}"}}'
    return {
        "401 that quotes": Status(401, as_json, "application/json"),
        "403 that quotes": Status(403, as_json, "application/json"),
        "404 that quotes": Status(404, as_json, "application/json"),
        "500 that quotes": Status(500, as_json, "application/json"),
        "500 as text": Status(500, completed),
        "502 as a page": Status(502, f"<html>{completed}</html>", "text/html"),
        "200 as a page": Status(200, f"<html>{completed}</html>", "text/html"),
        "broken JSON": Status(200, as_json[:-2], "application/json"),
        "other JSON": Status(200, as_json, "application/json"),
        "a kind that quotes": Status(200, "x", f"text/{completed.replace(' ', '')}"),
        "reset": FaultKind.RESET_BEFORE,
        "timeout": FaultKind.TIMEOUT_BEFORE,
        "TLS": FaultKind.TLS_FAILURE,
        "certificate": FaultKind.WRONG_AUTHORITY,
        "malformed": FaultKind.MALFORMED,
    }


def impatient(world: World) -> None:
    profile = yaml.safe_load(world.sandbox.profile.read_text())
    profile["connection"] |= {
        "timeout_seconds": 1,
        "retry": {"attempts": 2, "first_seconds": 0, "longest_seconds": 0},
    }
    world.sandbox.profile.write_text(yaml.safe_dump(profile))


def seen_in(world: World, completed: Completed) -> list[str]:
    return sightings(credentials(world), {"output": completed.out.encode(), "errors": completed.err.encode()})


def reports_of(completed: Completed) -> dict[str, bytes]:
    """The report files that a fault of ours names; they are taken away."""
    found = {}
    for path in map(Path, re.findall(r"the trace is in ([^\s\"]+)", completed.out)):
        found[str(path)] = path.read_bytes()
        path.unlink()
    return found


def test_no_failure_while_looking_shows_a_secret(world: World) -> None:
    impatient(world)
    masked = set()
    for name, kind in bad_days(world).items():
        world.sandbox.faults.add("*", "*", "", None, kind)
        completed = world.run("plan", RICH, "--verbose")
        world.sandbox.faults.clear()
        assert completed.code != 0, name
        assert seen_in(world, completed) == [], name
        assert sightings(credentials(world), reports_of(completed)) == [], name
        masked |= {name} if MASK in completed.out else set()
    assert {"401 that quotes", "403 that quotes", "500 that quotes"} & masked, "no system's own words were shown"


@pytest.mark.parametrize("name", few(1, ["500 that quotes", "403 that quotes", "other JSON"]))
def test_no_failure_while_acting_shows_or_leaves_a_secret(world: World, name: str) -> None:
    impatient(world)
    for method in ("POST", "PUT", "PATCH"):
        world.sandbox.faults.add("*", method, "/(api|v1)/", None, bad_days(world)[name])
    completed = world.run("create", RICH, "--verbose")
    assert completed.code in (1, 5), completed.out
    places = {**disk(Path.home(), world.folder, world.sandbox.infra), **reports_of(completed)}
    assert seen_in(world, completed) == []
    assert sightings(credentials(world), places) == []


def test_a_push_whose_answer_quotes_a_token_does_not_show_it(world: World) -> None:
    impatient(world)
    world.sandbox.faults.add("forgejo", "*", r"\.git/", None, Status(403, f"denied: {echo(world)}\n"))
    completed = world.run("create", UPSTREAM, "--verbose")
    assert completed.code == 5, completed.out
    assert completed.of("error")[0]["code"] == "git.failed"
    assert seen_in(world, completed) == []
    assert sightings(credentials(world), disk(world.folder, world.sandbox.infra)) == []


def test_people_are_shown_no_more_than_scripts(world: World) -> None:
    impatient(world)
    world.sandbox.faults.add("*", "*", "", None, bad_days(world)["500 that quotes"])
    arguments = [item for item in world.arguments("plan", RICH, "--verbose", "--diff") if item != "--json"]
    completed = world.tell(arguments)
    assert completed.code == 3
    assert MASK in completed.out + completed.err
    assert seen_in(world, completed) == []


def test_a_fault_of_ours_leaves_a_report_without_secrets(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from generator.engine.steps.github import GitHubSecrets

    def broken(self: GitHubSecrets, run: Any, facts: Any) -> str:
        token = run.credentials["github"].value.reveal()
        raise KeyError(token, basic(token), quote(token))

    monkeypatch.setattr(GitHubSecrets, "act", broken)
    completed = world.run("create", RICH)
    assert completed.code == 1
    match = re.search(r"the trace is in (\S+)", completed.of("error")[0]["hint"])
    assert match
    assert Path(match.group(1)).stat().st_mode & 0o077 == 0
    ((_, report),) = reports_of(completed).items()
    assert b"KeyError" in report
    assert sightings(credentials(world), {"report": report}) == []
    assert seen_in(world, completed) == []


# --- what people give by mistake ------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["ghp_abcdefghijklmnopqrstuvwxyz0123456789", "hvs.CAESIJ", "glpat-x", "xoxb-1"])
def test_what_looks_like_a_token_is_no_name_of_a_property(world: World, token: str) -> None:
    completed = world.run("create", {**SMALLEST, "secrets": {"API": token}})
    assert completed.code == 2
    assert token not in completed.out + completed.err


def test_a_credential_in_an_answer_is_refused_and_not_repeated(world: World) -> None:
    token = world.sandbox.tokens.woodpecker
    kept = world.folder / "plan.json"
    completed = world.run("plan", {**SMALLEST, "env": {"TOKEN": token}}, "--out", str(kept))
    assert completed.code == 2
    assert completed.of("error")[0]["code"] == "answer.secret"
    assert seen_in(world, completed) == []
    assert not kept.exists()


def test_answers_are_checked_for_secrets_by_value() -> None:
    secret = Secret("correct-horse-battery")
    answers = answer({**SMALLEST, "env": {"A": f"x{secret.reveal()}y"}})
    with pytest.raises(UsageError) as caught:
        refuse_secrets(answers.values)
    assert secret.reveal() not in str(caught.value)


def test_a_secret_given_as_a_value_is_refused_and_not_repeated(world: World) -> None:
    completed = world.run("create", RICH, "--seed", "api_token=hunter2-the-value")
    assert completed.code == 2
    assert "hunter2" not in completed.out + completed.err


@pytest.mark.parametrize("variable", ["FORGEJO_TOKEN", "GITHUB_TOKEN", "WOODPECKER_TOKEN", "VAULT_TOKEN"])
def test_a_token_that_can_not_be_sent_is_refused_and_not_shown(
    world: World, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "canary-first\ncanary-second")
    completed = world.run("plan", RICH)
    assert completed.code == 3
    assert completed.of("error")[0]["code"] == "credentials.malformed"
    assert "canary" not in completed.out + completed.err
