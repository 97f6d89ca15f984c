"""What a removal is: a step that wants a thing of newservice's to be gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from generator.base.errors import SystemFailure
from generator.engine.context import Run
from generator.engine.plan import Action, Decision, State
from generator.engine.steps.base import Facts, Step
from generator.infra_repo.entries import RegistrationChange
from generator.infra_repo.tree_diff import FileChange


@dataclass(frozen=True)
class Covered:
    """Files and registrations that go with a thing."""

    files: tuple[FileChange, ...] = ()
    registrations: tuple[RegistrationChange, ...] = ()


class Removal(Step[Facts]):
    """One thing that newservice may have made, on its way out. What belongs to one ``group`` stays together."""

    group: ClassVar[Literal["infra", "repository", "secrets"]]
    in_use: bool = True
    """Whether a stack on the default branch may need it: what only a waiting change brought, it does not."""

    def covers(self, run: Run, facts: Facts) -> Covered:  # noqa: ARG002
        """What goes with it, where it goes."""
        return Covered()


def gone(summary: str) -> Decision:
    """It does not exist, or no longer."""
    return Decision(State.ABSENT, Action.NONE, summary)


def removable(summary: str, to_do: Iterable[str] = ()) -> Decision:
    """It is newservice's and nobody has changed it: remove it."""
    return Decision(State.PRESENT, Action.DELETE, summary, to_do=tuple(to_do))


def waits(summary: str, to_do: Iterable[str] = ()) -> Decision:
    """It stays for now: something else comes first."""
    return Decision(State.PRESENT, Action.NONE, summary, to_do=tuple(to_do))


def kept(what: str, reasons: Iterable[str], to_do: str = "") -> Decision:
    """It stays: someone has changed it, or it can't be proven that nobody has."""
    summary = f"{what} stays: {', '.join(reasons)}"
    return Decision(State.DRIFTED, Action.NONE, summary, to_do=(f"{summary}{f'; {to_do}' if to_do else ''}",))


def unseen(what: str, system: str, detail: str = "") -> SystemFailure:
    """The failure where a thing exists, and a part of it that counts can't be seen, or changed while it was looked at.

    ``detail``: what could not be seen, and the right that it requires.
    """
    return SystemFailure(
        f"{system}.unseen",
        f"{system}: {what} exists, but not all of it can be seen{f' ({detail})' if detail else ''}",
        "give the token that right, or wait a moment; then run the same command again",
        passing=True,
    )


def is_kept(decision: Decision) -> bool:
    """Whether ``kept`` decided so."""
    return decision.state is State.DRIFTED and decision.action is Action.NONE


def listed(names: Iterable[str], most: int = 5) -> str:
    """Names for a sentence, not too many."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
