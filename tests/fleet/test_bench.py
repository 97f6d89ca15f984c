"""The benchmark of the fleet runs, and tells of a target that is missed. Whether one is met is not judged here."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from tests.fleet import bench
from tests.fleet.bench import Extent, tell
from tests.fleet.measure import can_watch, run
from tests.full import full

TAKES = "import hashlib; hashlib.sha256(b'x' * (64 << 20)).digest()"
BOTH = (
    f"import subprocess, sys; kept = b'x' * (64 << 20); subprocess.run([sys.executable, '-c', {TAKES!r}], check=True)"
)


@full
def test_every_figure_is_there(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> None:
    bench.main(Extent((2,), compared=2, rounds=1, sample=1), request.getfixturevalue("_release"))
    completed = capsys.readouterr().out
    titles = [re.split(r" {2,}", line)[0] for line in completed.splitlines()]
    assert titles[1:5] == [
        "fleet update of 2 / copier update",
        "fleet update --dry-run of 2 / copier update",
        "fleet status of 2, cold / copier check-update",
        "fleet status of 2, warm / copier check-update",
    ]
    assert titles[5] == "fleet update of 2, each"
    assert len(re.findall(r"\(target [\d.]+: (met|MISSED)\)", completed)) == (6 if can_watch() else 4)


def test_a_missed_target_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    tell("slow", "2 / 1", 1.5, 2)
    tell("quick", "1 / 1", 1.5, 1)
    slow, quick = capsys.readouterr().out.splitlines()
    assert slow.endswith("= 2.000 (target 1.500: MISSED)")
    assert quick.endswith("= 1.000 (target 1.500: met)")


def test_a_fleet_of_any_size_is_held_against_the_next_smaller_one(capsys: pytest.CaptureFixture[str]) -> None:
    bench.flatness({600: 0.4, 15: 0.1, 150: 0.2})
    completed = capsys.readouterr().out
    assert re.findall(r"each of (\d+) / each of (\d+)", completed) == [("150", "15"), ("600", "150")]
    assert completed.count("= 2.000 (target 1.100: MISSED)") == 2


@pytest.mark.skipif(not can_watch(), reason="this system does not tell what memory processes share")
def test_memory_is_that_of_all_processes(tmp_path: Path) -> None:
    alone, both = (
        run([sys.executable, "-c", code], tmp_path, os.environ, watched=True).memory for code in (TAKES, BOTH)
    )
    assert 64 << 20 < alone < 128 << 20 < both < 256 << 20


@pytest.mark.skipif(not can_watch(), reason="this system does not tell what memory processes share")
def test_starting_processes_counts_no_memory_twice(tmp_path: Path) -> None:
    many = "import subprocess; kept = b'x' * (64 << 20); [subprocess.run(['true']) for _ in range(200)]"
    assert 64 << 20 < run([sys.executable, "-c", many], tmp_path, os.environ, watched=True).memory < 96 << 20
