"""The programs that newservice starts: git alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from generator.base.checks import Check, CheckState
from generator.base.children import Ended
from generator.base.errors import PreflightError, SystemFailure
from generator.clients.git.process import as_text, git_process, local_environment

GIT = "tools.git"

OLDEST_GIT = (2, 39)
"""The oldest git that newservice is tried with; the load balancer's address needs 2.37."""

_SECONDS = 20


@dataclass(frozen=True)
class Git:
    """What is known of git: the version that it reports, and whether it speaks https."""

    version: str
    https: bool


def observe_git(environ: Mapping[str, str]) -> Git | None:
    """The first git on the path; None if none is found or it does not start."""
    version = run_git(environ, "--version")
    folder = run_git(environ, "--exec-path")
    if version is None or folder is None:
        return None
    return Git(version.strip(), os.access(Path(folder.strip()) / "git-remote-https", os.X_OK))


def judge_git(git: Git | None) -> Check:
    """Whether git is new enough, and speaks https."""
    if git is None:
        return Check(GIT, CheckState.FAILED, "git was not found on this machine", "install git 2.39 or newer")
    found = re.search(r"(\d+)\.(\d+)", git.version)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_GIT:
        return Check(GIT, CheckState.FAILED, f"{git.version} is too old", "install git 2.39 or newer")
    if not git.https:
        summary = f"{git.version} can't speak https: its helper git-remote-https is missing"
        return Check(GIT, CheckState.FAILED, summary, "install git's https support (of the package git, with libcurl)")
    return Check(GIT, CheckState.OK, f"{git.version}, with https")


def run_git(environ: Mapping[str, str], *arguments: str) -> str | None:
    """The output of a git command; None if it fails."""
    ended = ask_git(environ, *arguments)
    return None if ended is None or ended.status else as_text(ended.out)


def ask_git(environ: Mapping[str, str], *arguments: str) -> Ended | None:
    """How a git command ended; None if git can't be started."""
    with suppress(PreflightError, SystemFailure):
        return git_process(Path(), *arguments, environment=local_environment(person=environ), longest=_SECONDS)
    return None
