"""The state a tree of the fleet was found in, and its remedy; the only module that names the states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from generator.base.errors import ExitCode
from generator.template.files import Layer


class State(StrEnum):
    """The state of a tree, or the result of changing it."""

    CURRENT = "current"
    BEHIND = "behind"
    EDITED = "edited"
    WAITING = "waiting"
    UNFINISHED = "unfinished"
    DECLINED = "declined"
    CONFLICT = "conflict"
    ASKS = "asks"
    UNREADABLE = "unreadable"
    NEWER = "newer"
    DIRTY = "dirty"
    ARCHIVED = "archived"
    MISSING = "missing"
    EXPOSED = "exposed"
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
    State.UNFINISHED: "newservice change with the service's name finishes it",
    State.DECLINED: "the pull request was closed: open it again, or delete its branch to be asked again",
    State.CONFLICT: "run newservice update in a checkout, solve the conflicts, and merge the result",
    State.ASKS: "run newservice update in a checkout with the answer, and merge the result",
    State.UNREADABLE: "restore the answers file from git's history",
    State.NEWER: "install a newer newservice",
    State.DIRTY: "commit and push the changes in the infra clone, or stash them; then run the same command again",
    State.ARCHIVED: "unarchive the repository if it should be updated; nothing to do otherwise",
    State.MISSING: "check its name and whether the token may see it; newservice create creates it again",
    State.EXPOSED: "newservice create with the service's name makes its mirror private",
    State.CHECKS: "fix what the check names, in the stack or in the template; then run the same command again",
    State.FAILED: "fix what is named, then run the same command again, or with --retry and the report",
    State.PENDING: "run the same command again",
    State.CLEAN: "",
    State.CHANGED: "",
    State.BROKEN: "fix the template",
}

# The exit code that each state means for the whole command, the worst first.
_WORST: tuple[tuple[ExitCode, frozenset[State]], ...] = (
    (ExitCode.SYSTEM, frozenset({State.FAILED, State.CHECKS, State.PENDING, State.BROKEN})),
    (ExitCode.CONFLICT, frozenset({State.CONFLICT})),
    (ExitCode.REFUSED, frozenset({State.UNREADABLE, State.NEWER, State.DIRTY, State.MISSING, State.EXPOSED})),
    (ExitCode.USAGE, frozenset({State.ASKS})),
)

RETRIED = frozenset({State.FAILED, State.CHECKS, State.PENDING})
"""The states that ``--retry`` tries again."""


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
    """One file of a tree, and the action planned for it or taken."""

    path: str
    action: str


@dataclass(frozen=True)
class Finding:
    """The state of one tree: its template ``version``, the version it is updated ``to``, and the ``files`` concerned.

    ``message`` says what happened in a sentence, ``hint`` the remedy where the state's own is not enough; ``question``
    is what has to be answered. ``action`` is what this run did: opened, updated, found, closed or (a secret) written.
    ``host`` and ``namespace`` are the answers that the tree records.
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
    host: str = ""
    namespace: str = ""

    @property
    def wrote(self) -> bool:
        """Whether this run changed anything about it."""
        return self.action in ("opened", "updated", "closed", "written")

    @property
    def remedy(self) -> str:
        """What to do next; empty if nothing."""
        return self.hint or REMEDIES[self.state]

    def but(self, state: State, **changes: Any) -> Finding:
        """A copy of this finding in another state."""
        return replace(self, state=state, **changes)

    def document(self) -> dict[str, Any]:
        """This finding as a JSON object of the report."""
        place = self.place
        return {
            "name": place.name,
            "layer": place.layer,
            "repository": place.repository,
            "owner": place.repository.partition("/")[0],
            "path": place.prefix.rstrip("/"),
            "host": self.host,
            "namespace": self.namespace,
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
    """The exit code of the worst state; 0 if no tree needs attention."""
    states = {finding.state for finding in findings}
    return next((code for code, bad in _WORST if bad & states), ExitCode.OK)


def counted(findings: Sequence[Finding]) -> dict[str, int]:
    """The number of findings in each state, in the order of ``State``."""
    found = Counter(finding.state for finding in findings)
    return {state.value: found[state] for state in State if found[state]}


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The findings sorted by name, the stack before the repository."""
    return sorted(findings, key=lambda finding: (finding.place.name, finding.place.layer != "stack"))
