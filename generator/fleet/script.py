"""Runs a third-party check: returns its output, and whether it could be run at all."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generator.base.children import run
from generator.base.secrets import passed_on

LONGEST_SECONDS = 120
"""A check that takes longer is ended."""

_NO_COMMAND = frozenset({126, 127})
"""A shell's exit codes for a program that is missing or can't be run."""

_FAULT = re.compile(r"^Traceback \(most recent call last\):|^\S+: can't open file ", re.MULTILINE)
"""Python's output for a script that it could not run, or that crashed."""

_PASSED_ON = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYENV_ROOT"}
)
"""The environment variables passed on to a check. No others: a CI keeps its secrets in the environment."""


@dataclass(frozen=True)
class Said:
    """A check's exit status and output. ``broken``: it could not be run, so its output says nothing about the stack."""

    status: int
    out: str
    lines: tuple[str, ...]
    broken: bool = False

    @property
    def summary(self) -> str:
        """For people: its first lines, or its last one if the check is broken."""
        shown = self.lines[-1:] if self.broken else self.lines[:3]
        return " / ".join(shown)[:300] or f"status {self.status}"


def run_script(command: Sequence[str], folder: Path) -> Said:
    """Run a check in a folder, for two minutes at most."""
    fixed = {"LC_ALL": "C", "CHECKPOINT_DISABLE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = run(command, folder, {**passed_on(os.environ, _PASSED_ON), **fixed}, longest=LONGEST_SECONDS)
    except (OSError, ValueError) as error:
        return Said(1, "", (str(error),), broken=True)
    if ended.late:
        return Said(1, "", (f"it took longer than {LONGEST_SECONDS} seconds",), broken=True)
    said, complained = (stream.decode("utf-8", "replace") for stream in (ended.out, ended.err))
    out = [line.strip() for line in said.splitlines() if line.strip()]
    err = [line.strip() for line in complained.splitlines() if line.strip()]
    broken = ended.status < 0 or ended.status in _NO_COMMAND
    broken |= ended.status != 0 and bool(_FAULT.search(complained))
    return Said(ended.status, said, (*out, *err) if broken else (*err, *out), broken)
