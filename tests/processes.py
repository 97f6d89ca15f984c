"""Processes of a test's own: who started whom, and an end that leaves none of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def parents() -> dict[int, int]:
    """The parent of each process that lives."""
    found = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(folder.name)] = int(parent)
    return found


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those have, whatever their sessions."""
    known = parents()
    found, at = [pid], 0
    while at < len(found):
        found += [child for child, parent in known.items() if parent == found[at] and child not in found]
        at += 1
    return found[1:]


def kill_all(process: subprocess.Popen[Any]) -> None:
    """End a process and all that it has started at once, as a power cut would."""
    os.kill(process.pid, signal.SIGSTOP)  # it starts nothing more
    for pid in [*descendants(process.pid), process.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def words_of(pid: int) -> str:
    """The command line of a process; empty where it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def until(there: Callable[[], Any], seconds: float = 60) -> Any:
    """What ``there`` gives, as soon as it gives something."""
    for _ in _ticks(seconds):
        if found := there():
            return found
    raise AssertionError(f"not within {seconds} seconds")


def _ticks(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.02)


def failing_git(folder: Path, verb: str, script: str) -> str:
    """A PATH on which git runs a line of shell where it is asked for ``verb``, and is git otherwise.

    In the line ``$real`` is git itself.
    """
    folder.mkdir(exist_ok=True)
    program = folder / "git"
    program.write_text(
        f'#!/bin/sh\nreal={shutil.which("git")}\ncase " $* " in *" {verb} "*) {script};; esac\nexec $real "$@"\n'
    )
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"
