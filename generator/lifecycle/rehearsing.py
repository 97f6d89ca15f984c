"""What is to be rehearsed: stacks of a checkout that differ from a commit, or a service's open pull request."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from generator.base.errors import UsageError
from generator.clients.git import Repository
from generator.engine.change import change_branch
from generator.engine.commits import Commit, RemoteCommit
from generator.engine.connections import Forge
from generator.engine.project import BRANCH_PREFIX
from generator.engine.rehearsed import unfiltered
from generator.engine.working_tree import WorkingTree
from generator.infra_repo.trees import Listing, Overlaid
from generator.platform.profile import Platform
from generator.rehearsal.layout import lay_out


@dataclass(frozen=True)
class Pair:
    """A stack's folder, and the infra repository before and after a change; ``before`` None: nothing is applied."""

    stack: str
    before: Listing | None
    after: Listing


def pairs_of_checkout(platform: Platform, place: Path, base: str | None, *, whole: bool) -> Iterator[Pair]:
    """The stacks at or below a folder of a checkout that a change reaches; with ``whole`` all of them, and no base.

    A change reaches a stack if it touches anything that the stack is made of: its files, modules, or what they read.
    Raises ``UsageError`` where the folder is in no checkout of an infra repository, or the base is no commit of it.
    """
    repository = Repository.around(place)
    stacks = platform.infra.stacks
    if repository is None or not repository.path.joinpath(stacks).is_dir():
        raise UsageError(
            "rehearsal.checkout",
            f"{place} is in no checkout of the infra repository: none has a folder {stacks}/",
            "name a stack's folder in a clone, or the service",
        )
    with closing(repository):
        yield from _pairs(platform, repository, place, base or "HEAD", whole=whole)


def _pairs(platform: Platform, repository: Repository, place: Path, base: str, *, whole: bool) -> Iterator[Pair]:
    root = repository.path
    sha = repository.head(base)
    if sha is None and not whole:
        raise UsageError("rehearsal.base", f"{base} is no commit of {root}", "name a commit or a branch")
    after = unfiltered(WorkingTree.at(root))
    changed = {*repository.changed_since(sha)} if sha else set()
    before = None if whole or sha is None else unfiltered(Commit(repository, sha))
    for stack in _below(platform, root, place):
        if whole or changed & (lay_out(after, stack).files.keys() | {*after.paths(stack)}) or _gone(changed, stack):
            yield Pair(stack, before if before is not None and before.paths(stack) else None, after)


def _gone(changed: Iterable[str], stack: str) -> bool:
    """Whether something of a stack is among what changed, which may exist no longer."""
    return any(path.startswith(f"{stack}/") for path in changed)


def _below(platform: Platform, root: Path, place: Path) -> Iterator[str]:
    """The stacks at, below or around a folder."""
    inside = place.resolve().relative_to(root.resolve()).as_posix()
    stacks = platform.infra.stacks
    for folder in sorted(path for path in root.joinpath(stacks).iterdir() if path.is_dir()):
        stack = posixpath.join(stacks, folder.name)
        if inside in (".", stacks, stack) or inside.startswith(f"{stack}/"):
            yield stack


def pairs_of_service(platform: Platform, forge: Forge, clone: Repository, name: str) -> Iterator[Pair]:
    """A service's stack, as its open pull request makes it. Raises ``UsageError`` where none is open."""
    owner, infra = platform.forgejo.owner, platform.infra
    heads = forge.api.branches(owner, infra.repository)
    stack = infra.stack(name).rstrip("/")

    def tree(sha: str) -> Listing:
        return Commit(clone, sha) if clone.has(sha) else RemoteCommit(forge.api, owner, infra.repository, sha, clone)

    waiting = [head for head in (change_branch(name), f"{BRANCH_PREFIX}{name}") if head in heads]
    if not waiting:
        raise UsageError(
            "rehearsal.nothing",
            f"nothing waits for review: {owner}/{infra.repository} has no branch of newservice for {name}",
            f"newservice change {name} --dry-run shows what other answers would do",
        )
    merged = tree(heads[infra.branch])
    for head in waiting:
        theirs = tree(heads[head])
        kept = dict.fromkeys(merged.paths(stack))
        after = Overlaid(merged, {**kept, **{path: theirs.read(path) for path in theirs.paths(stack)}})
        yield Pair(stack, unfiltered(merged) if kept else None, unfiltered(after))
