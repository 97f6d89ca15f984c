"""The clone of the infra repository on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from generator.base.checks import Check, CheckState
from generator.base.children import Ended
from generator.base.errors import NewserviceError
from generator.clients.git import REMEDY_FOR_UNFIT, Repository, uncommitted
from generator.clients.git.process import failure, is_no_repository
from generator.lifecycle.doctor.tools import ask_git, run_git
from generator.platform.profile import Platform

CLONE = "infra.clone"


@dataclass(frozen=True)
class Clone:
    """What is known of a clone.

    ``remotes`` are its addresses, without user and password. ``behind`` is how many commits its branch lacks of its
    own copy of the forge's branch; None where either is missing. ``unfit`` says why commits can't be
    built from its objects; empty where they can. ``changed`` is None where git can't tell, and ``unclear`` says why.
    """

    remotes: tuple[str, ...]
    has_branch: bool
    changed: int | None
    behind: int | None
    unfit: str = ""
    unclear: str = ""


def observe_clone(path: Path, branch: str, environ: Mapping[str, str]) -> Clone | None:
    """The clone at ``path``; None if ``path`` is not its top. Raises with git's own message if git fails in it."""

    def ask(*arguments: str) -> str | None:
        return run_git(environ, "-C", str(path), *arguments)

    asked = ask_git(environ, "-C", str(path), "rev-parse", "--show-toplevel")
    if asked is None or not path.is_dir() or (is_no_repository(asked) and not os.path.lexists(path / ".git")):
        return None
    if asked.status:
        raise _refused(path, "rev-parse", asked)
    if Path(os.fsdecode(asked.out).rstrip("\n")).resolve() != path.resolve():
        return None
    addresses = (ask("config", "--get-regexp", r"^remote\..*\.url$") or "").splitlines()
    places = [f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"]
    seen = ask_git(environ, "-C", str(path), "for-each-ref", "--format=%(refname) %(objecttype)", *places)
    if seen and (seen.status or b"broken ref" in seen.err):
        raise _refused(path, "for-each-ref", seen)
    behind = ask("rev-list", "--count", "..".join(places))
    changed, unclear = _changed(path)
    return Clone(
        remotes=tuple(_without_user(line.partition(" ")[2]) for line in addresses),
        has_branch=bool(seen and seen.out.strip()),
        changed=changed,
        behind=int(behind) if behind else None,
        unfit=_unfit(path),
        unclear=unclear,
    )


def judge_clone(clone: Clone | None, path: Path, platform: Platform) -> Check:
    """A clone of the right repository with its default branch; behind or with changes is fine.

    Commits are built from objects, and what is missing is fetched: the checkout itself is never used.
    """
    name, branch = platform.infra.repository, platform.infra.branch
    remedy = f"clone {platform.forgejo.clone_url(name)} there, or name another clone with --infra"
    if clone is None:
        return Check(CLONE, CheckState.FAILED, f"{path} is not a clone of the infra repository", remedy)
    if not any(_names(remote) == name for remote in clone.remotes):
        remotes = ", ".join(clone.remotes) or "none"
        return Check(CLONE, CheckState.FAILED, f"{path} is a clone of something else; its remotes: {remotes}", remedy)
    if not clone.has_branch:
        summary = f"{path} has no branch {branch}"
        return Check(CLONE, CheckState.FAILED, summary, f"git -C {path} fetch origin {branch}")
    if clone.unfit:
        return Check(CLONE, CheckState.FAILED, f"{path} {clone.unfit}", REMEDY_FOR_UNFIT)
    summary = f"{path}, branch {branch}"
    summary += f", {clone.behind} commits behind (fine)" if clone.behind else ""
    summary += f", {clone.changed} changed files (left alone)" if clone.changed else ""
    summary += f", changed files unknown (left alone): {clone.unclear}" if clone.unclear else ""
    return Check(CLONE, CheckState.OK, summary)


def _changed(path: Path) -> tuple[int | None, str]:
    """How many files are not as committed; None, and git's words, where git can't say."""
    try:
        return len(uncommitted(path, ["."])), ""
    except NewserviceError as error:
        return None, error.message


def _refused(path: Path, verb: str, ended: Ended) -> NewserviceError:
    """The error for a clone that git does not work in, with git's own message, and what to do about it."""
    error = failure(path, (verb,), ended)
    if error.code == "git.failed":
        error.hint = f"correct that, or clone the infra repository again; see git -C {path} fsck"
    return error


def _unfit(path: Path) -> str:
    repository = Repository.open(path)
    if repository is None:
        return ""
    try:
        return repository.unfit
    finally:
        repository.close()


def _names(remote: str) -> str:
    """Name of the repository that an address leads to, in any of git's forms."""
    return remote.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2]


def _without_user(address: str) -> str:
    """An address without user and password: a remote may hold a token."""
    parts = urlsplit(address)
    if "@" not in parts.netloc:
        return address
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
