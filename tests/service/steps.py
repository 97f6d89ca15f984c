"""Runs a workflow's scripts as a runner would: bash, the step's environment, and each program's arguments recorded."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RECORDED = ("curl", "git", "jq", "sleep")


@dataclass(frozen=True)
class Outcome:
    """What a step did."""

    status: int
    said: str
    arguments: tuple[str, ...]
    outputs: dict[str, str]


class Runner:
    """A stand-in for GitHub's runner in ``folder``.

    Programs of ``RECORDED`` run for real after their arguments were written down; ``stub`` replaces one.
    """

    def __init__(self, folder: Path) -> None:
        self.workspace = folder / "workspace"
        self._bin = folder / "bin"
        self._log = folder / "arguments"
        self._output = folder / "output"
        self._home = folder / "home"
        for path in (self.workspace, self._bin, self._home):
            path.mkdir()
        for name in RECORDED:
            real = shutil.which(name)
            assert real, f"{name} is needed on PATH"
            self.stub(name, f'exec {real} "$@"')

    def stub(self, name: str, body: str) -> None:
        """Put a shell script before the program ``name``."""
        script = self._bin / name
        script.write_text(f'#!/bin/bash\nprintf "%s\\n" "{name} $*" >> "{self._log}"\n{body}\n', encoding="utf-8")
        script.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every step."""
        return {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "HOME": str(self._home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GITHUB_OUTPUT": str(self._output),
            "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
        }

    def run(self, step: Mapping[str, Any], values: Mapping[str, str], environment: Mapping[str, str]) -> Outcome:
        """Run ``step`` with ``values`` for its expressions and ``environment`` on top of its own."""
        for path in (self._log, self._output):
            path.write_text("", encoding="utf-8")
        own = {name: fill(str(value), values) for name, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env={**self.environment, **own, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        lines = self._output.read_text(encoding="utf-8").splitlines()
        return Outcome(
            done.returncode,
            done.stdout + done.stderr,
            tuple(self._log.read_text(encoding="utf-8").splitlines()),
            dict(line.split("=", 1) for line in lines),
        )


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its ``${{ expressions }}`` replaced; an expression without a value is an error."""
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: values[match.group(1)], text)


def step_of(workflow: Mapping[str, Any], job: str, name: str) -> dict[str, Any]:
    """One step by its name, with the workflow's environment below its own."""
    step = next(step for step in workflow["jobs"][job]["steps"] if step.get("name") == name)
    return {**step, "env": {**workflow["env"], **step.get("env", {})}}
