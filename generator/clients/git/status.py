"""A checkout's uncommitted changes, for callers that need nothing else of a repository."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from generator.clients.git.process import run_git


def uncommitted(checkout: Path, paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that have changes which are not committed; empty if ``checkout`` is not a working tree.

    Raises ``SystemFailure`` with git's message if it fails, ``PreflightError`` if git is not installed.
    """
    wanted = list(paths)
    if not wanted or not (checkout / ".git").exists():
        return []
    output = run_git(checkout, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *wanted)
    return [entry[3:] for entry in output.split("\0") if entry]
