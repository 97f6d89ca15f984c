"""Runs a check that somebody else wrote: what it says, and whether it could be run at all."""

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
"""How a shell says that a program is not there, or can't be run."""

_FAULT = re.compile(r"^Traceback \(most recent call last\):|^\S+: can't open file ", re.MULTILINE)
"""What Python says of a script that it could not carry out."""

_PASSED_ON = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "PYENV_ROOT"}
)
"""What a check gets of this process's environment. Nothing else: a CI keeps its secrets there."""


@dataclass(frozen=True)
class Said:
    """What a check said: its status and its lines. ``broken``: it could not be run, so it said nothing of the stack."""

    status: int
    out: str
    lines: tuple[str, ...]
    broken: bool = False

    @property
    def summary(self) -> str:
        """Its first lines, or for a fault its last one, for people."""
        told = self.lines[-1:] if self.broken else self.lines[:3]
        return " / ".join(told)[:300] or f"status {self.status}"


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
