"""What hangs on an adopted repository: what newservice added goes, what existed before stays, and the mark goes last.

The repository itself stays, with its history.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from generator.base.memo import run_parallel
from generator.clients.forgejo import PushMirror
from generator.clients.github import Mirror
from generator.engine.context import Run
from generator.engine.ownership import (
    LINK_PART,
    REGISTRATION_PART,
    Adoption,
    adopted_mirror,
    adoption_of,
    is_adopted_mirror,
    of_mirror,
)
from generator.engine.plan import Action, Decision, State
from generator.engine.steps.forgejo import lost_on_github
from generator.engine.steps.github import mirror_description
from generator.engine.steps.removal import mirror
from generator.engine.steps.removal.base import Removal, gone, removable
from generator.engine.steps.removal.mirror import MirrorLinkRemoval, MirrorRemoval, RegistrationRemoval


def _adoption(run: Run) -> Adoption | None:
    """What the repository's description says of its adoption."""
    repository = run.canonical()
    return adoption_of(repository.description) if repository else None


def _stays(what: str, reason: str = "it existed before newservice") -> Decision:
    return Decision(State.PRESENT, Action.NONE, f"{what} stays: {reason}")


_UNMARKED = "no description says that newservice adopted it"


class AdoptedLinkRemoval(MirrorLinkRemoval):
    """The push mirror, where newservice added it."""

    def observe(self, run: Run) -> tuple[PushMirror, ...]:
        """The same, with the repository that says what existed before."""
        run_parallel(run.canonical, run.push_mirrors)
        return super().observe(run)

    def decide(self, run: Run, facts: tuple[PushMirror, ...]) -> Decision:
        """One that existed before stays."""
        adoption, what = _adoption(run), f"the push mirror to {run.mirror}"
        if facts and (adoption is None or LINK_PART in adoption.before):
            return _stays(what) if adoption else _stays(what, _UNMARKED)
        return super().decide(run, facts)


class AdoptedRegistrationRemoval(RegistrationRemoval):
    """The registration, where newservice added it."""

    def observe(self, run: Run) -> mirror.RegistrationFacts:
        """The same, with the repository that says what existed before."""
        run.canonical()
        return super().observe(run)

    def decide(self, run: Run, facts: mirror.RegistrationFacts) -> Decision:
        """One that existed before stays."""
        adoption, what = _adoption(run), f"the registration of {run.mirror}"
        if facts.registration and (adoption is None or REGISTRATION_PART in adoption.before):
            return _stays(what) if adoption else _stays(what, _UNMARKED)
        return super().decide(run, facts)


class AdoptedMirrorRemoval(MirrorRemoval):
    """The mirror goes where newservice made it; else its mark does."""

    def observe(self, run: Run) -> mirror.MirrorFacts:
        """What it holds beside a copy of every branch."""
        found = run.mirror_repository()
        if found is None or found.description != mirror_description(run):
            return mirror.MirrorFacts(found, secrets=run.mirror_secrets() if found else frozenset())
        facts, lost = super().observe(run), lost_on_github(run)
        own = {name: sha for name, sha in facts.heads.items() if sha == facts.canonical or f"branch {name}" in lost}
        return replace(facts, heads=own)

    def decide(self, run: Run, facts: mirror.MirrorFacts) -> Decision:
        """One that people made stays, with its Actions secrets."""
        found = facts.mirror
        if found is None or found.description == mirror_description(run):
            return super().decide(run, facts)
        if not of_mirror(found, mirror_description(run)).ours:
            return _stays(run.mirror, _UNMARKED)
        secrets = sorted(facts.secrets & run.answers.actions_secrets.keys())
        left = [f"{run.mirror} keeps the Actions secrets {', '.join(secrets)}: delete them there if nobody needs them"]
        return removable(f"the mark of {run.mirror}; the repository itself stays", left if secrets else ())

    def act(self, run: Run, facts: mirror.MirrorFacts) -> str:
        """Delete it, or give it its own description back."""
        found = facts.mirror
        if found is None or not is_adopted_mirror(found, mirror_description(run)):
            return super().act(run, facts)
        run.github.describe(run.mirror, own_description(run, found))
        return f"{run.mirror} is no longer marked"


def own_description(run: Run, found: Mirror) -> str:
    """The description of a mirror without newservice's mark."""
    return found.description.removesuffix(adopted_mirror("", mirror_description(run))).rstrip()


@dataclass(frozen=True)
class MarkFacts:
    """The canonical repository's description, and what it says of an adoption."""

    exists: bool = False
    adoption: Adoption | None = None


class MarkRemoval(Removal[MarkFacts]):
    """The mark in the repository's description, last of all; the repository stays."""

    id = "forgejo.repository"
    system = "forgejo"
    group = "repository"

    def observe(self, run: Run) -> MarkFacts:
        """The repository's description."""
        return MarkFacts(run.canonical() is not None, _adoption(run))

    def decide(self, run: Run, facts: MarkFacts) -> Decision:
        """Only the mark goes."""
        where = f"{run.owner}/{run.name}"
        if not facts.exists:
            return gone(f"{where} does not exist")
        if facts.adoption is None:
            return _stays(where, _UNMARKED)
        return removable(f"the mark of {where}; the repository stays, with its history")

    def act(self, run: Run, facts: MarkFacts) -> str:
        """Give it its own description back."""
        assert facts.adoption is not None  # noqa: S101 - decide acts on a mark only
        run.forgejo.describe(run.owner, run.name, facts.adoption.own)
        return f"{run.owner}/{run.name} is no longer marked"
