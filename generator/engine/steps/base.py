"""What a step is: it observes, decides purely from what it saw, and is the only one to act on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.plan import Action, Decision, State
from generator.template.answers import Answers

Facts = TypeVar("Facts")


class Step(ABC, Generic[Facts]):
    """One thing in one system, and the state that is wanted of it: it must exist, or it must go."""

    id: ClassVar[str]
    system: ClassVar[str]
    after: ClassVar[tuple[str, ...]] = ()
    """Ids of the steps that must be done before this one acts; those that a service does not take don't count."""

    def waits_for(self, run: Run) -> tuple[str, ...]:  # noqa: ARG002 - for steps that wait for some services only
        """``after``, less what makes no difference to this service."""
        return self.after

    def differs(self, start: Answers | None, goal: Answers) -> bool:  # noqa: ARG002 - what most steps want stays
        """Whether a change from one set of answers to another concerns it. None: what the systems have is not known."""
        return False

    @abstractmethod
    def observe(self, run: Run) -> Facts:
        """Read what exists. Never writes."""

    @abstractmethod
    def decide(self, run: Run, facts: Facts) -> Decision:
        """Say what is to be done about it. Pure: no system is asked."""

    @abstractmethod
    def act(self, run: Run, facts: Facts) -> str | Done:
        """Do it; the only writer. Returns what was done, for people.

        ``run`` is the pass in which ``facts`` were observed. An act that looks at its effect says since when.
        Raises ``WithheldError`` where it must not write.
        """


def absent(summary: str) -> Decision:
    """It does not exist yet: create it."""
    return Decision(State.ABSENT, Action.CREATE, summary)


def present(summary: str) -> Decision:
    """It exists and is as wanted."""
    return Decision(State.PRESENT, Action.NONE, summary)


def drifted(summary: str) -> Decision:
    """It is ours but not as it should be: fix it."""
    return Decision(State.DRIFTED, Action.UPDATE, summary)


def foreign(summary: str, hint: str) -> Decision:
    """It exists and is not ours: hands off."""
    return Decision(State.FOREIGN, Action.REFUSE, summary, hint)


def answers_changed(what: str, questions: Iterable[str], change: str) -> Decision:
    """It was made with other answers: a creation never changes what exists, and ``change`` is the command that does."""
    return foreign(
        f"{what} was made with other answers to {', '.join(questions)}",
        f"create only adds what is missing; to change the service: {change}",
    )
