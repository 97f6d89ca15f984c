"""The observed state of a repository on the forge: its default branch, the fleet's branches, open pull requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from generator.base.errors import PreflightError, SystemFailure
from generator.clients.forgejo import PullRequest
from generator.clients.forgejo import Repository as Known
from generator.clients.git import scratch_repository
from generator.clients.objects import Objects
from generator.engine.branch_rules import rule_for
from generator.engine.change import CHANGE_PREFIX
from generator.engine.connections import Forge
from generator.engine.project import BRANCH_PREFIX
from generator.engine.renamed import refuse_missing_infra_branch
from generator.fleet.snapshot import Snapshot
from generator.platform.profile import Platform

UPDATE_PREFIX = "newservice-update/"
"""Prefix of the branches that update a tree to a newer template; ``newservice/`` is for new stacks."""


def update_branch(name: str) -> str:
    """The branch on which a service's update waits for review."""
    return f"{UPDATE_PREFIX}{name}"


@dataclass(frozen=True)
class Source:
    """One repository. ``heads`` are commit ids of the fleet's branches, ``pulls`` open pull requests by branch.

    ``proposed`` are commit ids of new stacks that wait for review, by service. ``changes``: the branches on
    which changes of services may wait. ``must_sign``: a rule wants the commits of an update's branch signed.
    ``closed``: not everyone may see the repository.
    """

    objects: Objects
    owner: str
    name: str
    url: str
    default: str
    base: str
    heads: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[str, PullRequest] = field(default_factory=dict)
    proposed: Mapping[str, str] = field(default_factory=dict)
    changes: frozenset[str] = frozenset()
    must_sign: bool = False
    closed: bool = False

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner}/{self.name}"

    @cached_property
    def snapshot(self) -> Snapshot:
        """The default branch's files."""
        return Snapshot.of(self.objects, self.base)


def infra_offline(platform: Platform, clone: Objects) -> Source:
    """The infra repository as the clone has it, without network access. Raises ``PreflightError`` for an empty one."""
    branch = platform.infra.branch
    base = clone.head(f"refs/heads/{branch}") or clone.head(f"refs/remotes/origin/{branch}") or clone.head()
    if base is None:
        raise PreflightError("infra.empty", f"{clone.path} has no commit", "name another clone with --infra")
    return _infra(platform, clone, base)


def infra_online(platform: Platform, clone: Objects, forge: Forge, *, bring_branches: bool) -> Source:
    """The infra repository as the forge has it now; objects that the clone lacks are fetched.

    ``bring_branches``: those of the updates' branches as well.

    No reference and no checkout of the clone is moved. Raises ``SystemFailure`` if it can't be seen.
    """
    source = _infra(platform, clone, "")
    seen = _seen(forge, source)
    wanted = {seen.default: seen.base, **(seen.heads if bring_branches else {})}
    if bring_branches:  # an update is to be committed there
        rule = rule_for(forge.api.branch_rules(seen.owner, seen.name) or (), update_branch("any"))
        seen = replace(seen, must_sign=rule is not None and rule.signed)
    cut = bring_branches and bool(seen.heads) and clone.shallow  # then a branch's starting point is unknown
    _fetch(forge, seen, [branch for branch, sha in wanted.items() if cut or not clone.has(sha)])
    return seen


@contextmanager
def service_online(platform: Platform, forge: Forge, known: Known) -> Iterator[Source]:
    """A service's repository in its own scratch clone. Raises ``SystemFailure`` if it can't be seen."""
    url = f"{platform.forgejo.url}/{known.owner}/{known.name}.git"
    default = known.default_branch or platform.forgejo.branch
    key = platform.connection.signing_key
    with scratch_repository(Path.cwd() / known.name, default, url, key) as scratch:
        source = Source(
            Objects.of(scratch), known.owner, known.name, url, default, "", closed=known.private or known.limited
        )
        seen = _seen(forge, source)
        # Finding what a branch adds needs the history it is based on; without a branch, the files are enough.
        _fetch(forge, seen, [default, *seen.heads], depth=0 if seen.heads else 1)
        yield seen


def _infra(platform: Platform, clone: Objects, base: str) -> Source:
    forgejo, infra = platform.forgejo, platform.infra
    return Source(clone, forgejo.owner, infra.repository, forgejo.clone_url(infra.repository), infra.branch, base)


def _seen(forge: Forge, source: Source) -> Source:
    heads = forge.api.branches(source.owner, source.name)
    platform = forge.remote.platform
    if heads and source.name == platform.infra.repository:
        refuse_missing_infra_branch(forge.api, platform, heads)
    if source.default not in heads:
        raise SystemFailure(
            "forgejo.unseen",
            f"forgejo: {source.full_name} exists, but its branch {source.default} can't be seen",
            "push that branch, correct the platform profile, or wait a moment; then run the same command again",
            passing=True,
        )
    ours = {branch: sha for branch, sha in heads.items() if branch.startswith(UPDATE_PREFIX)}
    new = {branch: sha for branch, sha in heads.items() if branch.startswith(BRANCH_PREFIX)}
    changes = frozenset(branch for branch in heads if branch.startswith(CHANGE_PREFIX))
    pulls = forge.api.open_pull_requests(source.owner, source.name) if ours or new or changes else []
    wanted = {*ours, *new, *changes}
    asked = {pull.branch: pull for pull in pulls if pull.branch in wanted and pull.base == source.default}
    proposed = {branch.removeprefix(BRANCH_PREFIX): sha for branch, sha in new.items() if branch in asked}
    seen = replace(source, base=heads[source.default], heads=ours, pulls=asked)
    return replace(seen, proposed=proposed, changes=changes)


def _fetch(forge: Forge, source: Source, branches: Sequence[str], depth: int = 0) -> None:
    if not branches:
        return
    forge.patience(
        lambda: source.objects.fetch_branches(forge.remote, source.url, branches, depth=depth), repeatable=True
    )
    for sha in (source.base, *(source.heads[branch] for branch in branches if branch in source.heads)):
        if not source.objects.has(sha):
            raise SystemFailure(
                "fleet.moved",
                f"{source.full_name} changed in the meantime: {sha[:8]} no longer exists",
                "run the same command again",
                passing=True,
            )
