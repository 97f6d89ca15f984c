"""A rotated token reaches every service that needs it: canary first, once each, also after a kill. It is never seen."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from generator.base.secrets import Secret
from generator.fleet.pushed import pushed
from generator.platform.profile import load_platform
from generator.sandbox import FaultKind, Sandbox
from generator.template.template import Template
from tests.answers import SMALLEST, UPSTREAM
from tests.test_secrecy import disk, processes, recording_git, sightings
from tests.world import Completed, World

NAMES = ("apple", "banana", "cherry", "damson", "elder")
SECRET = "SLACK_WEBHOOK"
ROTATED = "https://hooks.example.test/canary-of-the-rotated-token"


@pytest.fixture(scope="session")
def _saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the fleet, which the first test that needs it creates."""
    return tmp_path_factory.mktemp("secrets") / "saved"


@pytest.fixture
def fleet(
    tmp_path: Path,
    authority: trustme.CA,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    _saved: Path,
) -> Iterator[World]:
    """Five services with CI, one of them waiting for its merge; one without CI and one without a repository."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    restore = _saved if _saved.exists() else None
    with Sandbox.start(tmp_path / "platform", restore=restore, authority=authority) as sandbox:
        world = World(sandbox, folder, capsys, monkeypatch)
        world.enter()
        if restore is None:
            _create(world)
            sandbox.save(_saved)
            shutil.rmtree(folder)
            folder.mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setenv(SECRET, ROTATED)
        yield world


def _create(world: World) -> None:
    others = ({**SMALLEST, "name": "quiet", "ci": False}, UPSTREAM)
    for given in [*({**SMALLEST, "name": name} for name in NAMES), *others]:
        assert world.run("create", given).code == 0
        if given["name"] != "elder":
            world.merge(str(given["name"]))


def push(world: World, *more: str, secret: str = SECRET) -> Completed:
    return world.command("fleet", "secrets", "push", secret, "--yes", *more)


def puts(world: World, since: int = 0) -> Counter[str]:
    """How often the secret was written, by service; those that GitHub answered."""
    exchanges = list(world.sandbox.journal)[since:]
    return Counter(
        item.path.split("/")[-4]
        for item in exchanges
        if item.method == "PUT" and item.path.endswith(f"/actions/secrets/{SECRET}")
    )


def states(completed: Completed) -> dict[str, str]:
    """The last word on each service."""
    return {item["name"]: item["state"] for item in completed.of("service")}


def value(world: World, name: str) -> str:
    return world.sandbox.github.secret(world.mirror_name(name), SECRET)


def test_all_that_need_it_get_it_once(fleet: World) -> None:
    since = len(fleet.sandbox.journal)
    dry = push(fleet, "--dry-run")
    assert (dry.code, puts(fleet, since)) == (0, Counter())
    assert states(dry) == dict.fromkeys(NAMES, "behind")
    completed = push(fleet)
    assert completed.code == 0, completed.out
    assert puts(fleet, since) == dict.fromkeys(NAMES, 1)
    assert {value(fleet, name) for name in NAMES} == {ROTATED}
    assert SECRET not in fleet.mirror("quiet").secrets
    assert states(completed) == dict.fromkeys(NAMES, "current")
    assert completed.result["status"] == "success"
    again = push(fleet)
    assert (again.code, again.result["status"]) == (0, "unchanged")
    assert puts(fleet, since) == dict.fromkeys(NAMES, 1)
    places = {"out": completed.out.encode(), "err": completed.err.encode(), **disk(Path.home(), fleet.folder)}
    assert sightings([ROTATED], places) == []
    (note,) = Path.home().rglob("pushed-*.json")
    assert note.stat().st_mode & 0o777 == 0o600
    as_text = fleet.tell([item for item in _line(fleet, "--again") if item != "--json"])
    assert f"{SECRET}: 5 written" in as_text.out
    assert puts(fleet, since) == dict.fromkeys(NAMES, 2)
    assert sightings([ROTATED], {"out": as_text.out.encode(), "err": as_text.err.encode()}) == []


def _line(world: World, *more: str) -> list[str]:
    places = ["--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra)]
    return ["fleet", "secrets", "push", SECRET, "--yes", "--json", *places, *more]


def test_killed_and_continued(fleet: World, tmp_path: Path) -> None:
    """Those that were reported before the kill are not written to again; no process is given the value to see."""
    since = len(fleet.sandbox.journal)
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", *_line(fleet, "--jobs", "1")],
        env={**os.environ, **fleet.sandbox.environment, SECRET: ROTATED, "PATH": recording_git(tmp_path / "bin")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    reported = []
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "service" and event["action"] == "written":
            reported.append(event["name"])
        if len(reported) == 2:
            family = processes(process.pid)
            fleet.sandbox.pause()
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()
    fleet.sandbox.resume()
    assert process.returncode == -signal.SIGKILL
    assert len([name for name in NAMES if value(fleet, name) == ROTATED]) < len(NAMES)
    assert process.pid in family
    places = {f"arguments of {number}": arguments for number, (arguments, _) in family.items()}
    places |= {path.name: path.read_bytes() for path in (tmp_path / "bin").glob("seen.*")}
    assert sightings([ROTATED], places) == []
    completed = push(fleet, "--jobs", "1")
    assert completed.code == 0, completed.out
    assert {value(fleet, name) for name in NAMES} == {ROTATED}
    written = puts(fleet, since)
    assert {name: written[name] for name in reported} == dict.fromkeys(reported, 1)
    assert sum(written.values()) <= len(NAMES) + 1  # one may have been under way


def test_another_value_and_a_later_hand_count_as_lacking_it(fleet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert push(fleet).code == 0
    time.sleep(1.1)  # GitHub's times are to the second
    stored = fleet.mirror("banana").secrets[SECRET]
    stored.updated_at = "2030-01-01T00:00:00Z"
    assert states(push(fleet, "--dry-run")) == {**dict.fromkeys(NAMES, "current"), "banana": "behind"}
    monkeypatch.setenv(SECRET, f"{ROTATED}-again")
    assert states(push(fleet, "--dry-run")) == dict.fromkeys(NAMES, "behind")


def test_a_failed_canary_stops_all(fleet: World) -> None:
    fleet.sandbox.faults.add("github", "PUT", "/cherry/actions/secrets/", None, FaultKind.FORBIDDEN)
    since = len(fleet.sandbox.journal)
    completed = push(fleet, "--canary", "cherry")
    assert completed.code == 5
    assert states(completed) == {**dict.fromkeys(NAMES, "pending"), "cherry": "failed"}
    assert set(puts(fleet, since)) == {"cherry"}
    assert any("canary failed" in line for line in completed.result["next"])


def test_the_failure_of_one_stops_no_other(fleet: World) -> None:
    fleet.sandbox.faults.add("github", "PUT", "/cherry/actions/secrets/", None, FaultKind.FORBIDDEN)
    completed = push(fleet)
    assert completed.code == 5
    assert completed.result["status"] == "partial"
    assert states(completed) == {**dict.fromkeys(NAMES, "current"), "cherry": "failed"}
    fleet.sandbox.faults.clear()
    since = len(fleet.sandbox.journal)
    assert push(fleet).code == 0
    assert puts(fleet, since) == {"cherry": 1}


def test_a_rate_limit_is_waited_for(fleet: World) -> None:
    fault = fleet.sandbox.faults.add(
        "github", "PUT", "/banana/actions/secrets/", 1, FaultKind.SECONDARY_LIMIT, seconds=1
    )
    since = time.monotonic()
    completed = push(fleet, "--jobs", "1")
    assert (completed.code, fault.hits) == (0, 1), completed.out
    assert time.monotonic() - since >= 1
    assert {value(fleet, name) for name in NAMES} == {ROTATED}


def test_a_long_rate_limit_ends_the_run_for_all(fleet: World) -> None:
    fleet.sandbox.faults.add("github", "PUT", "/banana/actions/secrets/", None, FaultKind.SECONDARY_LIMIT, seconds=3600)
    since = len(fleet.sandbox.journal)
    completed = push(fleet, "--jobs", "1")
    assert completed.code == 5
    pending = dict.fromkeys(("cherry", "damson", "elder"), "pending")
    assert states(completed) == {"apple": "current", "banana": "failed", **pending}
    assert puts(fleet, since) == {"apple": 1, "banana": 1}
    assert any("asks to wait 3600 s" in line for line in completed.result["next"])


def test_some_of_them(fleet: World) -> None:
    since = len(fleet.sandbox.journal)
    assert push(fleet, "--only", "*a*", "--limit", "2").code == 0
    assert set(puts(fleet, since)) == {"apple", "banana"}
    assert push(fleet, "--canary", "nobody").of("error")[0]["code"] == "fleet.canary"
    assert push(fleet, "--canary", "quiet").of("error")[0]["code"] == "fleet.canary"
    assert push(fleet, secret="NO_SUCH_SECRET").of("error")[0]["code"] == "fleet.secret"


def test_a_token_that_is_not_accepted_reaches_nobody(fleet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WOODPECKER_TOKEN", "a-token-of-last-year")
    since = len(fleet.sandbox.journal)
    completed = push(fleet, secret="WOODPECKER_TOKEN")
    assert completed.code == 3
    assert completed.of("error")[0]["code"] == "woodpecker.unauthorized"
    assert not [item for item in list(fleet.sandbox.journal)[since:] if item.is_write]


def test_mirrors_that_take_no_secret(fleet: World) -> None:
    fleet.mirror("banana").archived = True
    fleet.mirror("cherry").description = "something else now"
    del fleet.sandbox.github.repositories[fleet.mirror_name("damson").lower()]
    assert push(fleet, "--canary", "banana").of("error")[0]["code"] == "fleet.canary"
    fleet.mirror("quiet").secrets[SECRET] = fleet.mirror("apple").secrets[SECRET]
    completed = push(fleet)
    assert completed.code == 5
    found = {"banana": "archived", "cherry": "failed", "damson": "missing"}
    assert states(completed) == {"apple": "current", "elder": "current", **found}
    assert any("quiet" in line and "left as it is" in line for line in completed.result["next"])


def test_one_run_at_a_time(fleet: World) -> None:
    platform = load_platform(Template.installed().platform, fleet.sandbox.profile, {}).github
    with pushed(platform.api_url, platform.owner, SECRET, Secret("another value")):
        completed = push(fleet)
    assert completed.code == 4
    assert completed.of("error")[0]["code"] == "fleet.secrets_busy"
    assert push(fleet).code == 0


def test_nothing_is_written_where_it_could_not_be_noted(fleet: World) -> None:
    (Path.home() / ".local").write_text("no folder")
    since = len(fleet.sandbox.journal)
    completed = push(fleet)
    assert completed.code == 3
    assert completed.of("error")[0]["code"] == "fleet.secrets_state"
    assert puts(fleet, since) == Counter()


def test_a_note_that_others_could_have_written_counts_for_nothing(fleet: World) -> None:
    assert push(fleet).code == 0
    (note,) = Path.home().rglob("pushed-*.json")
    note.chmod(0o644)
    assert states(push(fleet, "--dry-run")) == dict.fromkeys(NAMES, "behind")
    note.write_text("{}")
    note.chmod(0o600)
    assert states(push(fleet, "--dry-run")) == dict.fromkeys(NAMES, "behind")
