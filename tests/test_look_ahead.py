"""What is observed ahead: after the writes before it, and acted on only when these are confirmed and it is not old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from generator.base.errors import ExitCode, SystemFailure
from generator.clients.patience import Patience
from generator.engine import look_ahead
from generator.engine.executor import Course, Observed, Work
from generator.engine.plan import Action, Decision, State
from generator.engine.steps.base import absent, foreign, present


@dataclass
class Thing:
    """Something that is made by one write, and what happened to it in order."""

    name: str
    completed: list[str]
    made: bool = False
    shown: Callable[[], None] = lambda: None
    decision: Callable[[], Decision | None] = lambda: None
    after: tuple[str, ...] = ()
    looks: list[float] = field(default_factory=list)

    def observe(self, since: float | None = None) -> Observed:
        self.completed.append(f"look {self.name}")
        self.looks.append(time.monotonic() if since is None else since)
        if self.made:
            self.shown()
        return Observed(self.decision() or (present("") if self.made else absent("")), self.act)

    def act(self) -> str:
        self.completed.append(f"make {self.name}")
        self.made = True
        return "made"

    @property
    def work(self) -> Work:
        return Work(self.name, "forgejo", self.after, self.observe, ahead=self.observe)


def course(*things: Thing) -> Course:
    return Course([thing.work for thing in things], Patience(2, 0.01, 0.01))


def test_the_next_is_observed_while_the_one_before_is_confirmed_and_acts_afterwards() -> None:
    completed: list[str] = []
    looked = threading.Event()

    def confirming() -> None:
        assert looked.wait(10)  # the next one has looked, and the effect is not confirmed yet
        time.sleep(0.05)
        completed.append("confirmed")

    def look() -> None:
        looked.set()

    first = Thing("first", completed, shown=confirming)
    second = Thing("second", completed, after=("first",), decision=look)
    outcome = course(first, second).execute(lambda _: None)
    assert [step.status for step in outcome.steps] == ["done", "done"]
    assert (
        completed.index("make first")
        < completed.index("look second")
        < completed.index("confirmed")
        < completed.index("make second")
    )
    assert completed.count("look second") == 2  # ahead, and its own effect


def test_what_comes_first_is_observed_beside_something_else() -> None:
    completed: list[str] = []
    thing = Thing("first", completed)
    way = course(thing)
    assert way.look_ahead(lambda: 7) == 7
    assert completed == ["look first"]
    way.execute(lambda _: None)
    assert completed == ["look first", "make first", "look first"]


def test_an_old_observation_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_ahead, "FRESH_SECONDS", 0.01)
    completed: list[str] = []
    way = course(Thing("first", completed))
    way.look_ahead(lambda: time.sleep(0.1))
    way.execute(lambda _: None)
    assert completed == ["look first", "look first", "make first", "look first"]


def test_an_observation_ahead_neither_refuses_nor_fails_a_run() -> None:
    """What comes before it may not have been shown by every part of a system."""
    for early in (foreign("somebody's", ""), SystemFailure("x.failed", "not seen")):
        completed: list[str] = []
        first = Thing("first", completed)
        second = Thing("second", completed, after=("first",))

        def decide(second: Thing = second, early: Decision | SystemFailure = early) -> Decision | None:
            if len(second.looks) > 1:
                return None
            if isinstance(early, SystemFailure):
                raise early
            return early

        second.decision = decide
        assert course(first, second).execute(lambda _: None).exit_code is ExitCode.OK
        assert completed.count("look second") == 3


def test_nothing_is_made_on_what_was_not_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.engine.executor.SETTLING_SECONDS", 0.05)
    completed: list[str] = []
    first = Thing("first", completed, decision=lambda: Decision(State.ABSENT, Action.CREATE, "still absent"))
    second = Thing("second", completed, after=("first",))
    outcome = course(first, second).execute(lambda _: None)
    assert outcome.exit_code is ExitCode.SYSTEM
    assert "make second" not in completed
    assert {step.id: step.status for step in outcome.steps} == {"first": "failed", "second": "skipped"}
