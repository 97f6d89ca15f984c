"""Faults at requests: what is tried, and what must come of it."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from generator.sandbox import FaultKind
from tests.faults.course import HURRIED, PATIENT, Course
from tests.faults.requests import Asked
from tests.world import Completed

KINDS = tuple(kind for kind in FaultKind if kind not in (FaultKind.HOLD, FaultKind.HOLD_AFTER))

HEALING = frozenset(
    {
        *(FaultKind.REFUSED, FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER),
        *(FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER, FaultKind.SERVER_ERROR, FaultKind.BAD_GATEWAY),
        *(FaultKind.TOO_MANY, FaultKind.SECONDARY_LIMIT),
    }
)
"""Meeting one of these once while reading, nobody but newservice need know."""

_ABOUT_ONE_REQUEST = frozenset(
    {
        *(FaultKind.RESET_AFTER, FaultKind.TIMEOUT_AFTER, FaultKind.FORBIDDEN, FaultKind.NOT_FOUND),
        *(FaultKind.MALFORMED, FaultKind.HTML_200),
    }
)
"""Lasting ones of these are about what is asked for; all others befall the whole system."""

_ONLY_GITHUB = frozenset({FaultKind.SECONDARY_LIMIT, FaultKind.PRIMARY_LIMIT})

_UNANSWERED = frozenset({FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER})

_EVERY = 36
"""Of the reads of a command that is sampled, one in so many meets a fault, once or lasting."""

DOCUMENTED = (3, 4, 5)

# How long connections are refused: beyond the first pause between two attempts, well before the end of the second.
_SECONDS = {FaultKind.REFUSED: 0.22}


@dataclass(frozen=True)
class Cell:
    """One fault at one request: once, or from there on until it is mended."""

    asked: Asked
    kind: FaultKind
    lasting: bool

    @property
    def must_heal(self) -> bool:
        return self.kind in HEALING and not self.lasting and self.asked.is_read and not self.asked.by_forgejo

    @property
    def name(self) -> str:
        return f"{self.kind.value}, {'lasting' if self.lasting else 'once'}"

    @property
    def is_unanswered(self) -> bool:
        """Whether the client waits for an answer that never comes; git also waits for the rest of one cut short."""
        return self.kind in _UNANSWERED or (self.kind is FaultKind.MALFORMED and self.asked.is_git)

    def __str__(self) -> str:
        return f"{self.name}: {self.asked}"


class Tried(Protocol):
    """What was tried: of which kind, and at which request."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Verdict:
    """What came of it: healed, exit 3, 4 or 5, not reached, or bad with the reasons."""

    tried: Tried
    command: str
    outcome: str
    seconds: float
    reasons: tuple[str, ...] = ()

    @property
    def row(self) -> dict[str, Any]:
        """As the table takes it."""
        return {
            "command": self.command,
            "kind": self.tried.name,
            "outcome": self.outcome,
            "seconds": self.seconds,
            "told": self.completed,
        }

    @property
    def completed(self) -> str:
        return f"{self.command}: {self.tried}: {'; '.join(self.reasons)}"


def cells(requests: Iterable[Asked], kind: FaultKind, lasting: bool) -> list[Cell]:
    """One cell for each request that may meet this fault."""
    return [
        Cell(asked, kind, lasting)
        for asked in requests
        if kind not in _ONLY_GITHUB or (asked.system == "github" and not asked.is_git)
    ]


def sample(requests: list[Asked], seed: int, count: int) -> list[Cell]:
    """Some cells, the same for the same seed and requests: kinds take turns, lasting and not."""
    chance = random.Random(seed)
    chosen: list[Cell] = []
    turns = [(kind, lasting) for kind in KINDS for lasting in (False, True)]
    chance.shuffle(turns)
    while len(chosen) < count:
        kind, lasting = turns[len(chosen) % len(turns)]
        cell = chance.choice(cells(requests, kind, lasting))
        if cell not in chosen:
            chosen.append(cell)
    return chosen


def spread(requests: list[Asked]) -> list[Cell]:
    """Every kind at every write, by turns once and lasting, and each at one read in ``_EVERY``: every request meets
    some."""
    found = []
    for number, kind in enumerate(KINDS):
        for lasting in (False, True):
            for cell in cells(requests, kind, lasting):
                every = _EVERY if cell.asked.is_read else 2
                if (requests.index(cell.asked) + number + lasting * (every // 2)) % every == 0:
                    found.append(cell)
    return found


def judge(course: Course, cell: Cell) -> Verdict:
    """Run the command into the fault, clear it, run it again where it failed, and look what exists then."""
    started = time.monotonic()
    course.start_again()
    asked = cell.asked
    fault = course.world.sandbox.faults.add(
        *(asked.system, asked.method, asked.path_pattern, None if cell.lasting else 1, cell.kind),
        query=asked.query_pattern,
        after=asked.nth - 1,
        spreads=cell.lasting and cell.kind not in _ABOUT_ONE_REQUEST,
        seconds=_SECONDS.get(cell.kind, 1.0),
    )
    course.wait_for_answers(HURRIED if cell.is_unanswered else PATIENT)
    first = course.run()
    reached = fault.hits > 0
    course.world.sandbox.faults.clear()
    course.wait_for_answers(PATIENT)
    reasons = _told_wrong(course, first)
    if first.code == 0:
        reasons += _missing(course, "it says success, but")
        outcome = "healed"
    else:
        outcome = f"exit {first.code}"
        if cell.must_heal or not reached:
            why = "where trying again heals" if reached else "though nothing was broken yet"
            reasons.append(f"exit {first.code} {why}: {_errors(first)}")
        reasons += converges(course)
    if reasons:
        outcome = "bad"
    elif not reached:
        outcome = "not reached"
    return Verdict(cell, course.command.name, outcome, time.monotonic() - started, tuple(reasons))


def converges(course: Course) -> list[str]:
    """Run the same command now that all is well; what keeps it from the state of an undisturbed run."""
    again = course.run()
    if again.code != 0:
        return [f"the same command afterwards: exit {again.code}: {_errors(again)}"]
    return _missing(course, "after the same command again")


def _told_wrong(course: Course, completed: Completed) -> list[str]:
    """What is wrong with how a run ended and what it said."""
    wrong = []
    if completed.code not in (0, *DOCUMENTED):
        wrong.append(f"exit {completed.code}: {_errors(completed)}")
    if "Traceback (most recent call last)" in completed.out + completed.err:
        wrong.append("a traceback")
    if any(secret in completed.out + completed.err for secret in course.secrets()):
        wrong.append("a secret is shown")
    if completed.code:
        errors = _failures(completed)
        if not errors or not all(error["message"] and error["hint"] for error in errors):
            wrong.append(f"exit {completed.code} without saying what happened and what to do next: {errors}")
    if completed.result["exit_code"] != completed.code:
        wrong.append("the result has another exit code")
    return wrong


def _missing(course: Course, when: str) -> list[str]:
    """What differs from an undisturbed run."""
    try:
        state = course.state()
    except (LookupError, ValueError, TimeoutError) as error:  # one cell's trouble, which has to be named
        return [f"{when} something is missing: {error!r}"]
    return [
        f"{when} {key} is {state[key]!r:.300}, not {wanted!r:.300}"
        for key, wanted in course.goal.items()
        if state[key] != wanted
    ]


def _failures(completed: Completed) -> list[dict[str, Any]]:
    """The errors of a command, or of the single services that it is about."""
    return completed.of("error") + [item for item in completed.of("service") if item["state"] == "failed"]


def _errors(completed: Completed) -> str:
    return "; ".join(f"{item.get('code', item['event'])}: {item['message']}" for item in _failures(completed))
