"""What the steps of a change have in common. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from generator.engine.change import Change
from generator.engine.plan import Decision
from generator.engine.steps.base import foreign
from generator.engine.transition import Transition
from generator.infra_repo.entries import by_hand


def writes(found: Transition) -> bool:
    """Whether a transition changes anything."""
    return bool(found.written or found.removed)


def counted(found: Transition) -> str:
    """How much a transition changes, for people."""
    shared = {file.path for file in found.shared}
    files = len([file for file in found.written if file.path not in shared]) + len(found.removed)
    entries = sum(item.action in ("add", "update", "remove") for item in found.entries)
    parts = [f"{files} file{'s' if files != 1 else ''}"] if files else []
    parts += [f"{entries} registration{'s' if entries != 1 else ''}"] if entries else []
    return " and ".join(parts) or "an update"


def questions(change: Change) -> Sequence[str]:
    """The questions whose answers change."""
    return list(dict.fromkeys(item.place.partition(".")[0] for item in change.proposed))


def moved(what: str) -> Decision:
    """The refusal where someone changed the answers since the plan."""
    return foreign(f"{what} was changed in the meantime", "run the same command again: it starts from the new answers")


def conflicting(where: str, found: Transition) -> Decision:
    """The refusal where a person has to decide first."""
    reasons = found.reasons
    listed = ", ".join(found.conflicts)
    hints = ["make the change in a clone with `newservice update`, which leaves git's conflict markers there"]
    return foreign(
        f"{where}: someone edited what the change touches ({listed}{'; ' if reasons else ''}{'; '.join(reasons)})",
        "\n".join([*hints, *by_hand(found.entries)]),
    )
