"""What git says of a checkout, asked without GitPython: importing that takes longer than git's answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from generator.base.errors import SystemFailure
from generator.base.secrets import masked_variables
from generator.clients.git.process import ONLY_LOOKING, PLAIN, configuration, no_git


def uncommitted(checkout: Path, paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that have changes which are not committed; none where ``checkout`` is no working tree.

    Raises ``SystemFailure`` with git's own words when it fails, ``PreflightError`` where there is no git.
    """
    wanted = list(paths)
    if not wanted or not (checkout / ".git").exists():
        return []
    command = ["git", "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *wanted]
    environment = {**os.environ, **configuration(PLAIN), **masked_variables(os.environ), **ONLY_LOOKING}
    try:
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise no_git() from error
    if done.returncode:
        told = " ".join(done.stderr.decode("utf-8", "replace").split())[:500]
        raise SystemFailure(
            "git.failed",
            f"git status with {checkout} failed: {told or f'status {done.returncode}'}",
            "nothing is lost: fix what is named here and run the same command again",
        )
    return [entry[3:] for entry in os.fsdecode(done.stdout).split("\0") if entry]
