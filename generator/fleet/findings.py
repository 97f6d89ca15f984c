"""How a tree of the fleet was found, and the way out; the one place that names the states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from generator.base.errors import ExitCode
from generator.template.files import Layer


class State(StrEnum):
    """How a tree stands, or what became of it."""

    CURRENT = "current"
    BEHIND = "behind"
    EDITED = "edited"
    WAITING = "waiting"
    DECLINED = "declined"
    CONFLICT = "conflict"
    ASKS = "asks"
    UNREADABLE = "unreadable"
    NEWER = "newer"
    DIRTY = "dirty"
    ARCHIVED = "archived"
    MISSING = "missing"
    CHECKS = "checks"
    FAILED = "failed"
    PENDING = "pending"
    CLEAN = "clean"
    CHANGED = "changed"
    BROKEN = "broken"


REMEDIES: Mapping[State, str] = {
    State.CURRENT: "",
    State.BEHIND: "newservice fleet update",
    State.EDITED: "nothing to do: updates keep these edits",
    State.WAITING: "review the pull request and merge it",
    State.DECLINED: "the pull request was closed: open it again, or delete its branch to be asked anew",
    State.CONFLICT: "run newservice update in a checkout, solve the conflicts, and merge the result",
    State.ASKS: "run newservice update in a checkout with the answer, and merge the result",
    State.UNREADABLE: "restore the answers file from git's history",
    State.NEWER: "install a newer newservice",
    State.DIRTY: "commit and push what the infra clone has there, or stash it; then run the same command again",
    State.ARCHIVED: "open the repository again if it is to be updated; nothing to do otherwise",
    State.MISSING: "look at its name and whether the token may see it; newservice create makes it anew",
    State.CHECKS: "mend what the check names, in the stack or in the template; then run the same command again",
    State.FAILED: "mend what is named, then run the same command again, or with --retry and the report",
    State.PENDING: "run the same command again",
    State.CLEAN: "",
    State.CHANGED: "",
    State.BROKEN: "mend the template",
}

# What a finding means for the whole command, the worst first.
_WORST: tuple[tuple[ExitCode, frozenset[State]], ...] = (
    (ExitCode.SYSTEM, frozenset({State.FAILED, State.CHECKS, State.PENDING, State.BROKEN})),
    (ExitCode.CONFLICT, frozenset({State.CONFLICT})),
    (ExitCode.REFUSED, frozenset({State.UNREADABLE, State.NEWER, State.DIRTY, State.MISSING})),
    (ExitCode.USAGE, frozenset({State.ASKS})),
)

RETRIED = frozenset({State.FAILED, State.CHECKS, State.PENDING})
"""What ``--retry`` takes up again."""


@dataclass(frozen=True)
class Place:
    """A tree that newservice made: a stack of the infra repository, or a service's own repository.

    ``repository`` is the full name on the forge; ``prefix`` is the folder in it, with a trailing slash, or empty.
    """

    name: str
    layer: Layer
    repository: str
    prefix: str = ""

    @property
    def where(self) -> str:
        """Repository and folder, for people."""
        return f"{self.repository}:{self.prefix.rstrip('/')}" if self.prefix else self.repository


@dataclass(frozen=True)
class FileNote:
    """One file of a tree, and what is or was done about it."""

    path: str
    action: str


@dataclass(frozen=True)
class Finding:
    """One tree. ``version`` is what it is of, ``to`` what it is brought to; ``files`` are those that count here.

    ``message`` says what happened in a sentence, ``hint`` the way out where the state's own is not enough; ``question``
    is what has to be answered. ``action`` is what this run did: opened, updated, found or closed.
    """

    place: Place
    state: State
    version: str = ""
    to: str = ""
    files: tuple[FileNote, ...] = ()
    message: str = ""
    hint: str = ""
    question: str = ""
    url: str = ""
    action: str = ""
    owned: bool = False

    @property
    def wrote(self) -> bool:
        """Whether this run changed anything about it."""
        return self.action in ("opened", "updated", "closed")

    @property
    def remedy(self) -> str:
        """What to do next; empty where there is nothing to do."""
        return self.hint or REMEDIES[self.state]

    def but(self, state: State, **changes: Any) -> Finding:
        """The same in another state."""
        return replace(self, state=state, **changes)

    def document(self) -> dict[str, Any]:
        """As reports have it."""
        place = self.place
        return {
            "name": place.name,
            "layer": place.layer,
            "repository": place.repository,
            "path": place.prefix.rstrip("/"),
            "state": self.state.value,
            "version": self.version,
            "to": self.to,
            "files": [asdict(file) for file in self.files],
            "message": self.message,
            "hint": self.remedy,
            "question": self.question or None,
            "url": self.url,
            "action": self.action,
        }


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """The worst that any of them means; 0 where none needs anything."""
    states = {finding.state for finding in findings}
    return next((code for code, bad in _WORST if bad & states), ExitCode.OK)


def counted(findings: Sequence[Finding]) -> dict[str, int]:
    """How many there are of each state, in the states' own order."""
    found = Counter(finding.state for finding in findings)
    return {state.value: found[state] for state in State if found[state]}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By name; the stack before the repository."""
    return sorted(findings, key=lambda finding: (finding.place.name, finding.place.layer != "stack"))
