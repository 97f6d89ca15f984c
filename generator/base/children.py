"""Programs that newservice starts: the only place that starts any, except for the pager.

Each runs in a session of its own. A Ctrl-C on the terminal then reaches newservice alone: what is under way is
finished, or ended from here with everything that it started. Nor can a program prompt on the terminal.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from generator.base.stopping import held

DEVNULL = subprocess.DEVNULL
PIPE = subprocess.PIPE
Program = subprocess.Popen[bytes]

FINISHING_SECONDS = 1.0
"""How long a program may still take when its command is interrupted: a local commit takes milliseconds."""

ENDING_SECONDS = 2.0
"""How long a program may take to end cleanly once it is asked to."""


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it said. ``late``: it took too long, and was ended."""

    status: int
    out: bytes = b""
    err: bytes = b""
    late: bool = False

    @property
    def how(self) -> str:
        """How it ended, in words."""
        return f"was ended by {_signal_name(-self.status)}" if self.status < 0 else f"ended with status {self.status}"

    @property
    def without_output(self) -> Ended:
        """The same without its output, where that holds files and says nothing about a failure."""
        return replace(self, out=b"")


class _Running:
    """The programs that run now, and whether none may be started any more."""

    def __init__(self) -> None:
        self.programs: set[Program] = set()
        self.over = False


_running = _Running()


def _forget() -> None:
    """A forked process has no programs yet: those that run are its parent's."""
    _running.programs = set()


os.register_at_fork(after_in_child=_forget)


def start(
    command: Sequence[str], folder: Path | None = None, environ: Mapping[str, str] | None = None, **streams: Any
) -> Program:
    """Start a program whose streams are used here, until ``end``. Raises ``OSError`` where it can't be started."""
    with held():  # or nobody would know of it
        if _running.over:
            raise KeyboardInterrupt
        process: Program = subprocess.Popen(command, cwd=folder, env=environ, start_new_session=True, **streams)
        _running.programs.add(process)
    return process


def run(
    command: Sequence[str],
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    given: bytes = b"",
    longest: float | None = None,
) -> Ended:
    """Run a program to its end: how it ended, and what it said. ``given`` is what it reads.

    Raises ``OSError`` where it can't be started. On an interruption, and after ``longest`` seconds, it is ended.
    """
    reads = PIPE if given else subprocess.DEVNULL
    process = start(command, folder, environ, stdin=reads, stdout=PIPE, stderr=PIPE)
    try:
        out, err = process.communicate(given or None, timeout=longest)
    except subprocess.TimeoutExpired:
        _end((process,))
        return Ended(-signal.SIGTERM, late=True)
    except BaseException:
        try:
            _wait(process, FINISHING_SECONDS)
        finally:
            _end((process,))
        raise
    finally:
        _close(process)
        _running.programs.discard(process)
    return Ended(process.returncode, out, err)


def end(process: Program) -> None:
    """End a program that was started: its input is closed, and it has a moment to end by itself."""
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    try:
        _wait(process, ENDING_SECONDS)
    finally:
        if process.poll() is None:
            _end((process,))
        _close(process)
        _running.programs.discard(process)


def end_all() -> None:
    """End every program that still runs, and let none be started any more: for the end of this process."""
    _running.over = True
    _end([process for process in tuple(_running.programs) if process.poll() is None])


def _end(processes: Sequence[Program]) -> None:
    """End programs and all that they started: cleanly, so that git removes its locks, or else by force."""
    for process in processes:
        _send(process, signal.SIGTERM)
    deadline = time.monotonic() + ENDING_SECONDS
    try:
        for process in processes:
            _wait(process, deadline - time.monotonic())
    finally:
        for process in processes:
            _send(process, signal.SIGKILL)
        for process in processes:
            _wait(process, None)


def _send(process: Program, number: signal.Signals) -> None:
    """Send a signal to a program's session; the program may have ended already and left others behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _close(process: Program) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with suppress(OSError):
                stream.close()


def _wait(process: Program, seconds: float | None) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(None if seconds is None else max(seconds, 0))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
