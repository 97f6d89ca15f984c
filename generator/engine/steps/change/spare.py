"""What a service no longer needs on the systems once its change is merged: until then, its default branch does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from generator.base.memo import run_parallel
from generator.engine.change import Change
from generator.engine.context import Run
from generator.engine.ownership import of_mirror
from generator.engine.plan import Action, Decision
from generator.engine.steps.change.base import writes
from generator.engine.steps.change.service import observe_service
from generator.engine.steps.github import mirror_description
from generator.engine.steps.removal.base import Removal, gone, listed, removable, waits
from generator.engine.steps.removal.mirror import RegistrationFacts, RegistrationRemoval


@dataclass(frozen=True)
class SpareFacts:
    """The names of spare Actions secrets, and whether the default branch still uses them."""

    names: tuple[str, ...] = ()
    needed: bool = False


class SpareSecrets(Removal[SpareFacts]):
    """The Actions secrets that CI no longer needs: each is a credential."""

    id = "github.secrets_removal"
    system = "github"
    group = "repository"
    after = ("service.change_request", "infra.change_request")

    def __init__(self, change: Change) -> None:
        self._change = change

    def observe(self, run: Run) -> SpareFacts:
        """Those on a mirror of newservice's that the answers no longer need."""
        run_parallel(run.mirror_repository, run.mirror_secrets)
        mirror = run.mirror_repository()
        if mirror is None or not of_mirror(mirror, mirror_description(run)).ours:
            return SpareFacts()
        spare = spare_secrets(self._change)
        return SpareFacts(
            tuple(sorted(name for name in run.mirror_secrets() if name in spare)), is_used(run, self._change)
        )

    def decide(self, run: Run, facts: SpareFacts) -> Decision:
        """Remove them once nothing uses them."""
        if not facts.names:
            return gone("no Actions secret is left over")
        return _once_merged(run, removable(f"{listed(facts.names)} of {run.mirror}"), used=facts.needed)

    def act(self, run: Run, facts: SpareFacts) -> str:
        """Delete each."""
        for name in facts.names:
            run.github.delete_secret(run.mirror, name)
        return f"{listed(facts.names)} of {run.mirror} are deleted"


class SpareRegistration(RegistrationRemoval):
    """Woodpecker's registration of a mirror from which nothing is deployed any more."""

    after = ("service.change_request", "infra.change_request")

    def __init__(self, change: Change) -> None:
        self._change = change

    def observe(self, run: Run) -> RegistrationFacts:
        """The registration, and whether the default branch still uses it."""
        run_parallel(run.mirror_repository, lambda: is_used(run, self._change))
        return super().observe(run)

    def decide(self, run: Run, facts: RegistrationFacts) -> Decision:
        """Remove it once nothing uses it."""
        return _once_merged(run, super().decide(run, facts), used=is_used(run, self._change))


def spare_secrets(change: Change) -> frozenset[str]:
    """The Actions secrets that answers needed which the systems may still serve, and the wanted ones don't."""
    return frozenset((change.served or change.before).actions_secrets.keys() - change.wanted.actions_secrets.keys())


def is_used(run: Run, change: Change) -> bool:
    """Whether the repository's default branch lacks the change, and works as before."""
    facts = observe_service(run, change)
    return facts.line.waits or writes(facts.found)


def _once_merged(run: Run, decision: Decision, *, used: bool) -> Decision:
    if decision.action is not Action.DELETE or not used:
        return decision
    again = f"after the merge, newservice change {run.name} removes {decision.summary}"
    return waits(f"{decision.summary}; waits for the merge", [again])


def spare(change: Change) -> Iterator[Removal[Any]]:
    """The removals of what the wanted answers don't need."""
    if change.wanted.owned and spare_secrets(change):
        yield SpareSecrets(change)
    if "woodpecker" in (change.served or change.before).systems and "woodpecker" not in change.wanted.systems:
        yield SpareRegistration(change)
