"""Killed at any point, the same run makes of the fleet what an undisturbed one makes: one update, one request each.

``NEWSERVICE_FLEET_KILLS`` says how many points ``make faults`` tries (default 25).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from generator.fleet.source import update_branch
from generator.sandbox import FaultKind
from tests.faults.kills import MOMENTS
from tests.faults.matrix import Verdict
from tests.faults.report import Record, conclude
from tests.fleet.conftest import Yard
from tests.fleet.fleet import command
from tests.full import full
from tests.processes import descendants, kill_all, until, words_of
from tests.world import Completed

COUNT = int(os.environ.get("NEWSERVICE_FLEET_KILLS", "25"))
PARTS = 5
SEED = 20261123
owned = pytest.mark.parametrize("yard", ["owned"], indirect=True)


def started(yard: Yard, *arguments: str) -> subprocess.Popen[str]:
    """``fleet update`` in a process group of its own."""
    sandbox = yard.world.sandbox
    places = ("--platform", str(sandbox.profile), "--infra", str(sandbox.infra), "--json")
    return subprocess.Popen(
        command(yard.next.releases.folder, "fleet", "update", "--wave", "2", *places, *arguments),
        env={**os.environ, **sandbox.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )


def start_again(yard: Yard) -> None:
    """The forge as it was before any update."""
    for repository in yard.world.sandbox.forgejo.repositories.values():
        repository.pulls.clear()
        for branch in repository.bare.heads():
            if branch.startswith("newservice-update/"):
                repository.bare.delete(f"refs/heads/{branch}")


def trees(yard: Yard) -> Iterator[tuple[str, str]]:
    """Name and repository of every tree; the infra repository's is empty."""
    yield from ((name, "") for name in yard.made.names)
    yield from ((name, name) for name in yard.made.services)


def outcome(yard: Yard) -> dict[tuple[str, str], tuple[str, int, list[str]]]:
    """By tree: git's tree of the update, how many commits it has, and its pull requests' states."""
    found = {}
    for name, repository in trees(yard):
        known = yard.world.canonical(repository) if repository else yard.world.infra
        base = yard.world.branch if repository else yard.world.base
        branch = update_branch(name)
        commits = known.bare.count(branch) - known.bare.count(base)
        pulls = [pull.state for pull in known.pulls.values() if pull.head == branch]
        found[name, repository] = (known.bare.log(branch, limit=1)[0].tree, commits, pulls)
    return found


@dataclass(frozen=True)
class Kill:
    """A SIGKILL at the ``after``-th request, before or after the server acts on it."""

    kind: FaultKind
    after: int

    @property
    def name(self) -> str:
        return f"killed {MOMENTS[self.kind]} the server acted"

    def __str__(self) -> str:
        return f"{self.name}: request {self.after + 1}"


@full
@owned
def test_killed_and_run_again(yard: Yard, record_property: Record) -> None:
    conclude(kill_and_run_again(yard, range(2)), record_property)


@pytest.mark.faults
@owned
@pytest.mark.parametrize("part", range(PARTS), ids=lambda part: f"part {part + 1}")
def test_killed_at_many_points(yard: Yard, part: int, record_property: Record) -> None:
    conclude(kill_and_run_again(yard, range(part, COUNT, PARTS)), record_property)


def kill_and_run_again(yard: Yard, numbers: Iterable[int]) -> list[Verdict]:
    """Kill the run at these of the points, each in the state before any update, and let the same command finish it."""
    sandbox = yard.world.sandbox
    before = len(sandbox.journal)
    first = yard.fleet("update", "--wave", "2")
    assert first.code == 0, first.out
    requests, wanted = len(sandbox.journal) - before, outcome(yard)
    assert {(commits, tuple(pulls)) for _, commits, pulls in wanted.values()} == {(1, ("open",))}
    verdicts = []
    for number in numbers:
        begun = time.monotonic()
        start_again(yard)
        kind = FaultKind.HOLD if number % 2 else FaultKind.HOLD_AFTER
        kill = Kill(kind, random.Random(SEED + number).randrange(requests))
        sandbox.faults.add("*", "*", "", 1, kind, after=kill.after)
        process = started(yard)
        reached = held(yard, process)
        if reached:
            kill_all(process)
        process.communicate()
        sandbox.drop_held()
        sandbox.faults.clear()
        completed = yard.fleet("update", "--wave", "2")
        reasons = [] if completed.code == 0 else [f"the same command afterwards: {completed.out}"]
        reasons += [] if outcome(yard) == wanted else [f"{outcome(yard)}, not {wanted}"]
        ended = "bad" if reasons else "healed" if reached else "not reached"
        verdicts.append(Verdict(kill, "fleet update", ended, time.monotonic() - begun, tuple(reasons)))
    return verdicts


def held(yard: Yard, process: subprocess.Popen[str]) -> bool:
    """Whether the request came, and is held now; False when the process ended without it."""
    while process.poll() is None:
        try:
            yard.world.sandbox.wait_until_held(timeout=0.2)
        except TimeoutError:
            continue
        return True
    return False


def test_a_polite_request_to_end_leaves_a_report(yard: Yard) -> None:
    sandbox, report = yard.world.sandbox, yard.world.folder / "report.json"
    sandbox.faults.add("forgejo", "POST", "/pulls$", 1, FaultKind.HOLD, after=1)
    process = started(yard, "--report", str(report))
    assert held(yard, process)
    os.killpg(process.pid, signal.SIGTERM)
    out, err = process.communicate()
    sandbox.drop_held()
    completed = Completed(process.returncode, out, err)
    assert completed.result["exit_code"] == 130, err
    assert '"pending"' in report.read_text()
    sandbox.faults.clear()
    assert yard.fleet("update", "--retry", str(report)).code == 0
    assert yard.fleet("update").code == 0
    assert {len(yard.pulls(name)) for name in yard.made.names} == {1}


SLOW = """
import sys, time
if "--all" in sys.argv:
    sys.exit(1)
time.sleep(66)
"""


@full
def test_an_interruption_waits_for_no_guard(yard: Yard) -> None:
    """Two minutes each is what a guard may take, and there is one for each stack."""
    yard.commit({"scripts/check-ingress-auth-comments.py": SLOW})
    process = started(yard, "--jobs", "2")
    guards = until(lambda: [pid for pid in descendants(process.pid) if "check-ingress-auth" in words_of(pid)])
    assert process.pid not in {os.getsid(pid) for pid in guards}
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - begun < 30
    assert not any(map(words_of, guards))
    completed = Completed(process.returncode, out, err)
    assert (completed.result["exit_code"], completed.result["status"]) == (130, "refused"), err
    assert err == ""
    assert yard.world.infra.pulls == {}
