"""A checkout's uncommitted changes and staged modes, for callers that need nothing else of a repository."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from generator.clients.git.process import git_process, run_git
from generator.infra_repo.fingerprints import EXECUTABLE


def uncommitted(checkout: Path, paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that have changes which are not committed; empty if ``checkout`` is not a working tree.

    Raises ``SystemFailure`` with git's message if it fails, ``PreflightError`` if git is not installed.
    """
    wanted = list(paths)
    if not wanted or not (checkout / ".git").exists():
        return []
    output = run_git(checkout, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *wanted)
    return [entry[3:] for entry in output.split("\0") if entry]


def staged_executables(checkout: Path) -> frozenset[str] | None:
    """The paths below ``checkout`` that are executable in its index, where git goes by that alone (``core.fileMode``).

    None where git goes by the files' own bits, or ``checkout`` is not a working tree. Raises as ``uncommitted`` does.
    """
    if not (checkout / ".git").exists():
        return None
    asked = git_process(checkout, "config", "--type=bool", "--get", "core.fileMode")
    if asked.out.strip() != b"false":
        return None
    entries = run_git(checkout, "ls-files", "--stage", "-z").split("\0")
    return frozenset(entry.partition("\t")[2] for entry in entries if entry.startswith(EXECUTABLE))
