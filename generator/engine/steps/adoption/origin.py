"""How a history comes to Forgejo: Forgejo fetches it from GitHub, or it is pushed from a clone on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from generator.base.errors import SystemFailure
from generator.base.memo import run_parallel
from generator.clients.forgejo import Repository
from generator.clients.git import Repository as Clone
from generator.clients.github import Mirror
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import Adoption
from generator.engine.plan import Decision
from generator.engine.steps.base import Step, absent, drifted, foreign, present
from generator.engine.steps.visibility import check_before_push, glance, look_again, wants_private


@dataclass(frozen=True)
class MigrationFacts:
    """The canonical repository, the one on GitHub, and how many branches and tags that has."""

    canonical: Repository | None
    mirror: Mirror | None
    heads: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def holds_history(self) -> bool:
        """Whether GitHub has anything that could be brought."""
        return self.mirror is not None and bool(self.heads)


class HistoryMigration(Step[MigrationFacts]):
    """What only GitHub has is on Forgejo: history, branches, tags and LFS objects."""

    id = "forgejo.migration"
    system = "forgejo"

    def observe(self, run: Run) -> MigrationFacts:
        """Both repositories and, as long as Forgejo has none or an empty one, GitHub's branches and tags."""
        run_parallel(run.canonical, run.mirror_repository)
        canonical, mirror = run.canonical(), run.mirror_repository()
        if mirror is None or (canonical is not None and not canonical.empty):
            return MigrationFacts(canonical, mirror, {}, {})
        run_parallel(run.mirror_heads, run.mirror_tags, run.canonical_head)
        if run.canonical_head() is not None:  # Forgejo's own flag may lag behind
            return MigrationFacts(canonical, mirror, {}, {})
        return MigrationFacts(canonical, mirror, run.mirror_heads(), run.mirror_tags())

    def decide(self, run: Run, facts: MigrationFacts) -> Decision:
        """Bring what GitHub has, once; whoever took an empty repository on Forgejo for it keeps it."""
        where, mirror = f"{run.owner}/{run.name}", facts.mirror
        if not facts.holds_history or mirror is None:
            return present(f"{where} has its history" if facts.canonical else f"{run.mirror} has no history to bring")
        if facts.canonical is not None:
            return drifted(f"{where} is empty as long as {run.mirror} is being migrated")
        if mirror.fork:
            return foreign(
                f"{run.mirror} is a fork of another repository on GitHub",
                "adopt the repository that it was forked from, or push its history to a new repository first",
            )
        if mirror.archived:
            return foreign(f"{run.mirror} is archived", "unarchive it on GitHub, then run the same command again")
        if run.platform.forgejo.branch not in facts.heads:
            return other_branch(run, mirror.default_branch, "GitHub")
        if not run.adopts:
            return not_adopted(run, run.mirror)
        counted = f"{len(facts.heads)} branches and {len(facts.tags)} tags"
        hidden = ", private" if _private(run, mirror) else ", public"
        return absent(
            f"{where} with the history of {run.mirror}: {counted}, and LFS objects{hidden}; issues, pull requests and "
            "wiki stay on GitHub"
        )

    def act(self, run: Run, facts: MigrationFacts) -> str | Done:
        """Let Forgejo fetch it. Raises ``SystemFailure`` as long as an earlier migration is under way."""
        assert facts.mirror is not None  # noqa: S101 - decide acts on what GitHub has
        where = f"{run.owner}/{run.name}"
        if facts.canonical is not None:
            raise SystemFailure(
                "forgejo.migrating",
                f"{where} exists and is empty: {run.mirror} is being migrated, or that stopped half-way",
                f"wait a moment, then run the same command again; if it stays empty, delete {where} on Forgejo first",
                passing=True,
            )
        run.progress(f"Forgejo fetches {run.mirror}; a long history may take minutes")
        run.forgejo.migrate_repository(
            run.owner,
            run.name,
            run.platform.github.clone_url(run.name),
            password=run.credentials["github"].value,
            description=Adoption(facts.mirror.description).description,
            private=_private(run, facts.mirror) or look_again(run).closed,
        )
        return run.platform.forgejo.web_url(run.name)


def _private(run: Run, mirror: Mirror) -> bool:
    return mirror.private or wants_private(run)


@dataclass(frozen=True)
class PushFacts:
    """The canonical branch's commit, and the branches and tags of the clone on this machine, by full name.

    ``lfs``: some of its files are LFS objects, which git does not push.
    """

    canonical: str | None
    references: Mapping[str, str]
    lfs: bool = False


class HistoryPush(Step[PushFacts]):
    """The canonical repository has the history of a clone that was nowhere else."""

    id = "service.push"
    system = "forgejo"
    after = ("forgejo.repository", "github.repository")  # a push may go on to a mirror at once

    def observe(self, run: Run) -> PushFacts:
        """The canonical branch and, where there is none, what the clone has."""
        run_parallel(partial(glance, run), run.canonical_head)
        head = run.canonical_head()
        clone = Clone.open(run.history) if head is None and run.history and not run.mirror_heads() else None
        if clone is None:
            return PushFacts(head, {})
        try:
            tip = clone.head(f"refs/heads/{run.platform.forgejo.branch}")
            attributes = clone.file(tip, ".gitattributes") if tip else None
            return PushFacts(head, clone.references(), b"filter=lfs" in (attributes or b""))
        finally:
            clone.close()

    def decide(self, run: Run, facts: PushFacts) -> Decision:
        """Push what was never pushed; later work is its owner's to push."""
        where = f"{run.owner}/{run.name}"
        if facts.canonical is not None:
            return present(f"{where} {run.platform.forgejo.branch} at {facts.canonical[:8]}")
        if not facts.references:
            return present(f"{where} gets its history from {run.mirror}")
        if f"refs/heads/{run.platform.forgejo.branch}" not in facts.references:
            return other_branch(run, "", str(run.history))
        branches = sum(name.startswith("refs/heads/") for name in facts.references)
        counted = f"{branches} branches and {len(facts.references) - branches} tags"
        url = run.platform.forgejo.clone_url(run.name)
        left = (f"push the LFS objects from {run.history}: git lfs push --all {url}",) if facts.lfs else ()
        return replace(absent(f"{where}: {counted} of {run.history}"), to_do=left)

    def act(self, run: Run, facts: PushFacts) -> str:
        """Push all of them, never by force."""
        place = run.history
        clone = Clone.open(place) if place else None
        if clone is None:
            raise SystemFailure("service.not_committed", f"{place} is no repository", "run the same command again")
        run.progress(f"pushing {place} to {run.platform.forgejo.host}")
        try:
            check_before_push(run)
            clone.push_references(run.remote, run.platform.forgejo.clone_url(run.name), facts.references)
        finally:
            clone.close()
        return f"{run.owner}/{run.name} has the history of {place}"


def other_branch(run: Run, default: str, where: str) -> Decision:
    """The refusal for a repository without the platform's branch."""
    branch = run.platform.forgejo.branch
    named = f", and its default branch is {default}" if default else ""
    return foreign(
        f"{run.name} has no branch {branch} on {where}{named}; this platform builds and mirrors {branch}",
        f"rename {default or 'the branch'} to {branch} there, then run the same command again",
    )


def not_adopted(run: Run, where: str) -> Decision:
    """The refusal for what people began, as long as nobody agreed that newservice takes it over."""
    return foreign(
        f"{where} holds the work of people, which newservice did not begin",
        f"run newservice adopt-repository {run.name}, which shows what would become of it; or choose another name",
    )
