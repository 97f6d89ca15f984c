"""Commands in processes of their own, killed in the middle of their work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from generator.sandbox import FaultKind
from tests.compatibility.place import Ground

Request = tuple[str, str, str]
"""System, method and path, a regular expression that is searched."""

_COMMAND = (sys.executable, "-m", "generator")
_AFTER_ONE = """
import os, signal, sys
from importlib.metadata import entry_points
root, placed = sys.argv.pop(1), False
def watch(event, arguments):
    global placed
    if placed:
        placed = False  # the kill is an event, too
        os.kill(os.getpid(), signal.SIGKILL)
    if event == "os.rename":
        source, target, _, folder = arguments
        place = target if folder == -1 else os.path.join(os.readlink(f"/proc/self/fd/{folder}"), target)
        placed = str(place).startswith(root) and "/.git/" not in str(place)
sys.addaudithook(watch)
next(iter(entry_points(group="console_scripts", name="newservice"))).load()()
"""


def killed_at(ground: Ground, request: Request, kind: FaultKind, *arguments: str | Path) -> None:
    """Kill a command at a request: before the server acts on it (HOLD) or after that (HOLD_AFTER)."""
    ground.sandbox.faults.add(*request, 1, kind)
    process = _started(_COMMAND, *arguments)
    ground.sandbox.wait_until_held(timeout=120)
    _kill(process)
    ground.sandbox.drop_held()
    ground.sandbox.faults.clear()


def killed_short_of(ground: Ground, request: Request, steps: set[str], *arguments: str | Path) -> None:
    """Kill a command that waits for the answer to a request, as soon as it has reported some other steps."""
    ground.sandbox.faults.add(*request, 1, FaultKind.TIMEOUT_BEFORE)
    process = _started(_COMMAND, *arguments)
    assert process.stdout is not None
    left = set(steps)
    while left:
        line = process.stdout.readline()
        assert line, f"ended before {left}"
        left.discard(json.loads(line).get("id", ""))
    _kill(process)
    ground.sandbox.faults.clear()


def killed_after_one_file(root: Path, *arguments: str | Path) -> None:
    """Kill a command when it has moved one file into its place below a folder, whatever it was about to do next."""
    process = _started((sys.executable, "-c", _AFTER_ONE, str(root)), *arguments)
    out, err = process.communicate()
    assert process.returncode == -signal.SIGKILL, out + err


def _started(command: tuple[str, ...], *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, *map(str, arguments), "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )


def _kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
