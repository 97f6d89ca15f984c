"""A command in a process of its own: how long it takes, or how much memory it and its children have at once."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

PROC = Path("/proc")
PAUSE = 0.01
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Run:
    """What a command said, how it ended, its wall time, and the most memory in bytes (0 where it was not watched).

    Memory is the sum of the proportional set sizes of the process and all below it: what they share counts once.
    """

    code: int
    out: str
    seconds: float
    memory: int = 0


def run(line: Sequence[str], folder: Path, environ: Mapping[str, str], *, watched: bool = False) -> Run:
    """Run a command to its end. ``watched``: look at its memory all the time, which makes it slower."""
    with TemporaryFile() as out, TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            line, cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        memory = _peak(process) if watched else 0
        code = process.wait()
        seconds = time.perf_counter() - started
        out.seek(0)
        err.seek(0)
        return Run(code, out.read().decode() or err.read().decode(), seconds, memory)


def can_watch() -> bool:
    """Whether this system tells what processes share (Linux does)."""
    return (PROC / "self" / "smaps_rollup").exists() and _children(os.getpid()) is not None


def _peak(process: subprocess.Popen[bytes]) -> int:
    """The most at one time of processes that were there at the look before as well.

    Between vfork and exec a child has its parent's memory, which would count twice: its figures are its parent's.
    """
    most, before = 0, {process.pid}
    while process.poll() is None:
        now = set(_below(process.pid))
        most = max(most, sum(map(_proportional, {_rollup(pid) for pid in now & before})))
        before = now
        with suppress(subprocess.TimeoutExpired):
            process.wait(PAUSE)
    return most


def _below(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid) or ():
        yield from _below(child)


def _children(pid: int) -> list[int] | None:
    """Processes that its threads have started; None where that is not told."""
    found: list[int] = []
    try:
        for thread in (PROC / str(pid) / "task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except FileNotFoundError:
        return found if not (PROC / str(pid)).exists() else None
    except ProcessLookupError:
        pass
    return found


def _rollup(pid: int) -> str:
    """What the system says of a process's memory; nothing of one that has ended."""
    try:
        return (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return ""


def _proportional(rollup: str) -> int:
    """The proportional set size in bytes; 0 where nothing is said."""
    return sum(1024 * int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
