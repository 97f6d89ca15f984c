"""Which repository is meant, and where its history is: on Forgejo, only on GitHub, or only in a clone. Reads only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from generator.base.errors import RefusedError, UsageError
from generator.clients.forgejo import Repository
from generator.clients.git import Repository as Clone
from generator.clients.github import Mirror
from generator.clients.objects import Objects
from generator.engine.connections import Forge
from generator.engine.ownership import adoption_of
from generator.platform.profile import Platform

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_FULL_NAME = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*)/([A-Za-z0-9._-]+)")

Contents = Mapping[str, Callable[[], bytes]]
"""What reads each file of a commit, by path."""


@dataclass(frozen=True)
class Target:
    """The service's name, and the clone on this machine where one was named. ``alone``: the clone has no remote."""

    name: str
    clone: Path | None = None
    alone: bool = False


@dataclass(frozen=True)
class Origin:
    """Where the history is, in words; its files; and what its owner says of it.

    ``private``: whether one of its copies is not public; None where none is on a forge.
    """

    where: str
    files: Contents
    description: str = ""
    private: bool | None = None


def target_of(platform: Platform, text: str) -> Target:
    """What NAME, OWNER/NAME or PATH means: a word alone is a name, whatever folder is there.

    Raises ``UsageError`` or ``RefusedError`` where it can't be adopted.
    """
    if _NAME.fullmatch(text) and text not in (".", ".."):
        return Target(text)
    folder = Path(text)
    clone = Clone.around(folder) if folder.is_dir() else None
    if clone is not None:
        try:
            return _of_clone(platform, clone)
        finally:
            clone.close()
    full = _FULL_NAME.fullmatch(text)
    if full is None:
        raise UsageError(
            "adopt.target",
            f"{text} is neither a name, OWNER/NAME nor a clone of a repository",
            "newservice adopt-repository NAME, or PATH of a clone",
        )
    if full[1].lower() not in {platform.forgejo.owner.lower(), platform.github.owner.lower()}:
        raise _elsewhere(platform, f"{text} belongs to {full[1]}")
    return Target(full[2])


def _of_clone(platform: Platform, clone: Clone) -> Target:
    """The repository that a clone is of; its folder's name where it has no remote."""
    path, addresses = clone.path, clone.remotes()
    dirty = clone.dirty(["."])
    if dirty:
        raise RefusedError(
            "adopt.dirty",
            f"{path} has changes that are not committed: {', '.join(dirty[:5])}",
            "commit or stash them, then run the same command again",
        )
    if not addresses:
        _check_whole(clone)
        return Target(path.name.removesuffix(".git"), path, alone=True)
    for forge in (platform.forgejo, platform.github):
        wanted = (forge.host, forge.owner.lower())
        for address in addresses:
            host, owner, name = _parts(address)
            if (host, owner.lower()) == wanted:
                return Target(name, path)
    raise _elsewhere(platform, f"the remotes of {path} lead elsewhere")


def _check_whole(clone: Clone) -> None:
    """Raise ``RefusedError`` for a clone that is nowhere else, and whose history can't be pushed as it is."""
    if clone.shallow:
        raise RefusedError(
            "adopt.shallow",
            f"{clone.path} is a shallow clone: part of its history is missing",
            "fetch the rest from where it came from (git fetch --unshallow ADDRESS), then run the same command again",
        )
    if clone.unfit:
        raise RefusedError(
            "adopt.unfit",
            f"{clone.path} {clone.unfit}",
            "make a complete clone with sha1 ids of it, without remotes, and name that one",
        )
    if not clone.references():
        raise RefusedError(
            "adopt.empty",
            f"{clone.path} has no commits: there is nothing to adopt",
            "commit the code first; newservice create begins a new service",
        )
    if (head := clone.head()) and not clone.reaches(head):
        raise RefusedError(
            "adopt.detached",
            f"the commit that is checked out in {clone.path} is on no branch, and only branches and tags are pushed",
            "make a branch of it (git switch -c NAME), or check out a branch, then run the same command again",
        )


def _parts(address: str) -> tuple[str, str, str]:
    """Host without its port, owner and name in ``https://host/owner/name.git`` or ``user@host:owner/name``."""
    if "://" in address:
        parts = urlsplit(address)
        host, path = parts.hostname or "", parts.path
    else:
        host, _, path = address.rpartition("@")[2].partition(":")
    owner, _, name = path.strip("/").removesuffix(".git").rpartition("/")
    return host.lower(), owner, name


def _elsewhere(platform: Platform, what: str) -> RefusedError:
    return RefusedError(
        "adopt.elsewhere",
        what,
        f"newservice adopts repositories of {platform.forgejo.owner} on Forgejo and of {platform.github.owner} on "
        "GitHub; transfer it there, or take the remotes out of a clone that is to be pushed as a new repository",
    )


def origin_of(platform: Platform, forge: Forge, target: Target) -> Origin:
    """Where the repository's history is. Raises ``UsageError`` where there is none, ``RefusedError`` for a clone that
    has commits of its own."""
    owner, name, branch = platform.forgejo.owner, target.name, platform.forgejo.branch
    full_name = f"{platform.github.owner}/{name}"
    canonical, mirror = forge.api.repository(owner, name), forge.github().repository(full_name)
    head = forge.api.branch(owner, name, branch) if canonical else None
    if canonical is not None and not canonical.empty:
        _check(canonical, f"{owner}/{name} on Forgejo", branch, head)
    if canonical is not None and head is not None:
        _check_pushed(target, branch, partial(forge.api.has_commit, owner, name))
        files = forge.api.tree(owner, name, head)
        adopted = adoption_of(canonical.description)
        return Origin(
            f"{owner}/{name} on Forgejo",
            {path: partial(_remote, forge, owner, name, path, head) for path in files},
            adopted.own if adopted else canonical.description,
            canonical.private or canonical.limited or (mirror is not None and mirror.private),
        )
    if mirror is not None:
        heads = forge.github().branches(full_name) or {}
        if heads:
            _check(mirror, f"{full_name} on GitHub", branch, heads.get(branch))
        if sha := heads.get(branch):
            _check_pushed(target, branch, lambda tip: tip in heads.values())
            blobs = forge.github().tree(full_name, sha)
            github = forge.github()
            files_there: Contents = {path: partial(github.blob, full_name, it.id) for path, it in blobs.items()}
            return Origin(f"{full_name} on GitHub", files_there, mirror.description, mirror.private)
    if target.clone is not None and target.alone:
        return Origin(str(target.clone), _of_commit(target.clone, branch))
    if canonical is not None or mirror is not None:
        where = f"{owner}/{name} on Forgejo" if canonical is not None else f"{full_name} on GitHub"
        raise RefusedError(
            "adopt.empty",
            f"{where} has no commits: there is nothing to adopt",
            f"push the code first, or name the clone that has it; newservice create {name} begins a new service",
        )
    raise UsageError(
        "adopt.unknown",
        f"there is no repository {owner}/{name} on Forgejo, and no {full_name} on GitHub",
        f"check the name; newservice create {name} makes a new service, and ./{name} is a clone in this folder",
    )


def _check(found: Repository | Mirror, where: str, branch: str, head: str | None) -> None:
    """Raise ``RefusedError`` for a repository that can't be adopted as it is, before anything is asked about it."""
    if found.fork:
        raise RefusedError(
            "adopt.fork",
            f"{where} is a fork of another repository",
            "adopt the repository that it was forked from, or push its history to a new repository first",
        )
    if isinstance(found, Repository) and found.mirror:
        raise RefusedError(
            "adopt.mirror",
            f"{where} is pulled from elsewhere, and takes no push",
            "make it a regular repository in its settings on Forgejo, then run the same command again",
        )
    if found.archived:
        raise RefusedError(
            "adopt.archived", f"{where} is archived", "unarchive it there, then run the same command again"
        )
    if head is None:
        default = found.default_branch
        raise RefusedError(
            "adopt.branch",
            f"{where} has no branch {branch}, which this platform builds and mirrors; its default branch is {default}",
            f"rename {default} to {branch} there, then run the same command again",
        )


def _remote(forge: Forge, owner: str, name: str, path: str, sha: str) -> bytes:
    return forge.api.file(owner, name, path, sha) or b""


def _check_pushed(target: Target, branch: str, has: Callable[[str], bool]) -> None:
    """Raise ``RefusedError`` where the clone's branch has commits that the repository lacks."""
    clone = Clone.open(target.clone) if target.clone else None
    if clone is None:
        return
    try:
        tip = clone.head(f"refs/heads/{branch}")
    finally:
        clone.close()
    if tip is not None and not has(tip):
        raise RefusedError(
            "adopt.ahead",
            f"{branch} of {target.clone} has commits that were not pushed",
            "push them, then run the same command again",
        )


def _of_commit(path: Path, branch: str) -> Contents:
    """The files of a clone's branch; nothing where it has no such branch."""
    clone = Clone.open(path)
    if clone is None:
        return {}
    try:
        sha = clone.head(f"refs/heads/{branch}")
        listed = Objects.of(clone).listing(sha) if sha else {}
        contents = Objects.of(clone).contents(listed.values())
    finally:
        clone.close()
    return {file: partial(_held, contents, blob) for file, blob in listed.items()}


def _held(contents: Mapping[str, bytes], blob: str) -> bytes:
    return contents.get(blob, b"")
