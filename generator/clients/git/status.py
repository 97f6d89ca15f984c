"""What git says of a checkout, for those who need nothing else of a repository."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from generator.clients.git.process import run_git


def uncommitted(checkout: Path, paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that have changes which are not committed; none where ``checkout`` is no working tree.

    Raises ``SystemFailure`` with git's own words when it fails, ``PreflightError`` where there is no git.
    """
    wanted = list(paths)
    if not wanted or not (checkout / ".git").exists():
        return []
    said = run_git(checkout, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *wanted)
    return [entry[3:] for entry in said.split("\0") if entry]
