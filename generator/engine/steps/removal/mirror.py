"""The mirror on GitHub with what hangs on it: the link that feeds it, and the deployer's registration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from generator.base.errors import PreflightError
from generator.base.memo import run_parallel
from generator.clients.forgejo import PushMirror
from generator.clients.github import Activity, Mirror
from generator.clients.woodpecker import Registration
from generator.engine.change import change_branch
from generator.engine.context import Run
from generator.engine.ownership import of_mirror, of_references, of_registration
from generator.engine.plan import Decision
from generator.engine.steps.base import foreign
from generator.engine.steps.forgejo import our_mirrors
from generator.engine.steps.github import mirror_description
from generator.engine.steps.removal.base import Removal, gone, kept, listed, removable, unseen


class MirrorLinkRemoval(Removal[tuple[PushMirror, ...]]):
    """The push mirrors from the canonical repository to GitHub."""

    id = "forgejo.mirror"
    system = "forgejo"
    group = "repository"

    def observe(self, run: Run) -> tuple[PushMirror, ...]:
        """Those that lead to this service's mirror."""
        return tuple(our_mirrors(run, run.push_mirrors()))

    def decide(self, run: Run, facts: tuple[PushMirror, ...]) -> Decision:
        """A link holds nobody's work; whether it goes is decided by what it links."""
        where = f"{run.owner}/{run.name} to {run.platform.github.clone_url(run.name)}"
        return removable(where) if facts else gone(f"{where} does not exist")

    def act(self, run: Run, facts: tuple[PushMirror, ...]) -> str:
        """Remove each."""
        for mirror in facts:
            run.forgejo.delete_push_mirror(run.owner, run.name, mirror.name)
        return f"{run.owner}/{run.name} is no longer mirrored to GitHub"


@dataclass(frozen=True)
class RegistrationFacts:
    """The registration, the mirror's number on GitHub, and what people added on Woodpecker."""

    registration: Registration | None = None
    mirror: Mirror | None = None
    additions: tuple[str, ...] = ()


class RegistrationRemoval(Removal[RegistrationFacts]):
    """Woodpecker's registration of the mirror, its pipelines with it."""

    id = "woodpecker.registration"
    system = "woodpecker"
    group = "repository"

    def observe(self, run: Run) -> RegistrationFacts:
        """The registration, what it belongs to, and what was added to it."""
        run_parallel(run.registration, run.mirror_repository)
        registration = run.registration()
        if registration is None:
            number = run.canonical_answers().values.get("woodpecker_repo_id")
            known = run.woodpecker.registered(number) if isinstance(number, int) and number else None
            if known is not None and known.full_name.lower() == run.mirror.lower():
                raise unseen(f"the registration of {run.mirror}", "woodpecker")
            return RegistrationFacts()
        additions = run.woodpecker.additions(registration.id)
        return RegistrationFacts(registration, run.mirror_repository(), tuple(additions))

    def decide(self, run: Run, facts: RegistrationFacts) -> Decision:
        """Ours is what belongs to the mirror's number."""
        found = facts.registration
        if found is None:
            return gone(f"{run.mirror} is not registered")
        where = f"the registration of {found.full_name} (number {found.id})"
        by_hand = f"remove repository {found.id} on Woodpecker if nobody needs it"
        if facts.mirror is None:
            return kept(where, ["the repository that it belonged to is gone from GitHub"], by_hand)
        if not of_registration(found, facts.mirror.id).ours:
            return foreign(f"{where} belongs to another repository of that name", by_hand)
        if facts.additions:
            return kept(where, [f"it was given {listed(facts.additions)}"], by_hand)
        return removable(f"{where} and its pipelines")

    def act(self, run: Run, facts: RegistrationFacts) -> str:
        """Remove it, not just deactivate it."""
        assert facts.registration is not None  # noqa: S101 - decide acts on a registration only
        run.woodpecker.remove(facts.registration.id)
        return f"{run.mirror} is no longer registered"


@dataclass(frozen=True)
class MirrorFacts:
    """The mirror, its branches and secrets, the canonical commit, that of a change, and what people made of it.

    ``tags`` are those that the canonical repository lacks, or has elsewhere.
    """

    mirror: Mirror | None = None
    heads: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    canonical: str | None = None
    proposed: str | None = None
    activity: Activity | None = None


class MirrorRemoval(Removal[MirrorFacts]):
    """The repository on GitHub, while it is nothing but a copy of the canonical one."""

    id = "github.repository"
    system = "github"
    group = "repository"

    def observe(self, run: Run) -> MirrorFacts:
        """The mirror and what it holds beside the copy."""
        run_parallel(run.mirror_repository, run.mirror_heads, run.mirror_secrets, run.canonical_head)
        mirror = run.mirror_repository()
        if mirror is None:
            if run.github.branches(run.mirror) is not None:
                raise unseen(run.mirror, "github")
            return MirrorFacts()
        heads, secrets, change = run.mirror_heads(), run.mirror_secrets(), change_branch(run.name)
        proposed = run.forgejo.branch(run.owner, run.name, change) if change in heads else None
        return MirrorFacts(mirror, heads, _own_tags(run), secrets, run.canonical_head(), proposed, _activity(run))

    def decide(self, run: Run, facts: MirrorFacts) -> Decision:
        """Ours is what carries our description; it stays as soon as it holds anything of its own."""
        if facts.mirror is None:
            return gone(f"{run.mirror} does not exist")
        if not of_mirror(facts.mirror, mirror_description(run)).ours:
            return foreign(
                f"{run.mirror} exists on GitHub and was not made by newservice",
                "nothing is removed; where it is the mirror of this service all the same, set its description to: "
                + mirror_description(run),
            )
        reasons = list(_reasons(run, facts, facts.mirror))
        if reasons:
            return kept(run.mirror, reasons, "delete it on GitHub if nobody needs it")
        return removable(f"{run.mirror}, {'a copy' if facts.heads else 'empty'}")

    def act(self, run: Run, facts: MirrorFacts) -> str:  # noqa: ARG002
        """Delete it."""
        try:
            run.github.delete_repository(run.mirror)
        except PreflightError as error:
            raise PreflightError(
                error.code, error.message, "the token needs the scope delete_repo (fine-grained: Administration, write)"
            ) from error
        return f"{run.mirror} is deleted"


def _activity(run: Run) -> Activity:
    """What people made of the mirror. Raises ``SystemFailure`` where that can't be seen."""
    try:
        activity = run.github.activity(run.mirror)
    except PreflightError as error:
        if error.code != "github.forbidden":
            raise
        reason = f"{error.message}; a fine-grained token needs Issues and Contents, read"
        raise unseen(run.mirror, "github", reason) from error
    if activity is None:
        raise unseen(run.mirror, "github")
    return activity


def _own_tags(run: Run) -> tuple[str, ...]:
    """Tags of the mirror's that the canonical repository lacks, or has on another object."""
    tags = run.github.references(run.mirror, "tags/")
    if tags is None:
        raise unseen(run.mirror, "github", "its tags")
    canonical = run.forgejo.references(run.owner, run.name) if tags else {}
    return tuple(name.removeprefix("refs/tags/") for name in of_references(canonical, tags).others)


def _reasons(run: Run, facts: MirrorFacts, mirror: Mirror) -> Iterator[str]:
    if mirror.full_name.lower() != run.mirror.lower():
        yield f"it was renamed to {mirror.full_name}"
    if mirror.archived:
        yield "it was archived"
    default = run.platform.forgejo.branch
    copied = {default: facts.canonical, change_branch(run.name): facts.proposed}
    own = [branch for branch, sha in facts.heads.items() if copied.get(branch) != sha]
    if own:
        yield f"it holds what the canonical repository does not ({listed(own)})"
    if facts.tags:
        yield f"it has tags that the canonical repository lacks, or has elsewhere ({listed(facts.tags)})"
    added = sorted(facts.secrets - set(run.answers.actions_secrets))
    if added:
        yield f"it was given the Actions secrets {listed(added)}"
    activity = facts.activity
    if activity is None:
        yield "what people made of it can't be seen"
        return
    counted = {
        "issues or pull requests, open or closed": activity.issues,
        "its issues switched off, so that old ones can't be seen": activity.untracked,
        "releases": activity.releases,
        "discussions": activity.discussions,
        "forks": activity.forks,
        "a wiki": activity.wiki,
        "a site": activity.pages,
    }
    yield from (f"it has {what}" for what, number in counted.items() if number)
