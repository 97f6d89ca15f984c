"""The one loop that changes systems: observe, decide, act, and observe until the effect is visible.

The caller supplies how each thing is observed and changed; nothing here knows of a system.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from generator.base.errors import ExitCode, NewserviceError, RefusedError, SystemFailure
from generator.base.memo import run_parallel
from generator.base.parallel import Status, StepResult, Task, carry_out_tasks
from generator.clients.patience import Patience
from generator.engine.look_ahead import LookAhead
from generator.engine.plan import Action, Decision, Plan

Given = TypeVar("Given")

SETTLING_SECONDS = 15.0
"""How long a system may take to show what it has just accepted."""


@dataclass(frozen=True)
class Done:
    """What was done, for people. ``since``: when the last write of it had ended (seconds of the monotonic clock)."""

    summary: str
    since: float


@dataclass(frozen=True)
class Observed:
    """What was observed: the decision that follows, and what carries it out and returns a summary for people.

    An act that looks at its effect itself says since when it did. ``withheld``: nothing is done about it, although it
    was planned.
    """

    decision: Decision
    act: Callable[[], str | Done]
    withheld: bool = False


@dataclass(frozen=True)
class Work:
    """One thing to change. ``observe`` reads the system again and never writes; ``after`` names what comes first.

    ``settled`` observes the effect, where that takes fewer requests than ``observe``. ``ahead`` observes as well, and
    takes what others have looked at since a given moment (seconds of the monotonic clock). With it the work is
    observed while what comes before it is being confirmed.
    """

    id: str
    system: str
    after: tuple[str, ...]
    observe: Callable[[], Observed]
    settled: Callable[[], Decision] | None = None
    ahead: Callable[[float], Observed] | None = None


class WithheldError(Exception):
    """The last look before a write found a reason not to write: nothing was done. ``decision`` states the reason."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.summary)
        self.decision = decision


@dataclass(frozen=True)
class Outcome:
    """What became of a run. ``failure`` is set where a step failed; ``interrupted`` where a person stopped it."""

    steps: tuple[StepResult, ...]
    failure: BaseException | None = None
    interrupted: bool = False

    @property
    def wrote(self) -> bool:
        """Whether any step changed something."""
        return any(step.status == "done" for step in self.steps)

    @property
    def exit_code(self) -> ExitCode:
        """A fault of ours and a refusal keep their codes; anything else that stops a run is a system's."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.failure is None:
            return ExitCode.OK
        if not isinstance(self.failure, NewserviceError):
            return ExitCode.INTERNAL
        kept = (ExitCode.REFUSED, ExitCode.INTERNAL)
        return self.failure.exit_code if self.failure.exit_code in kept else ExitCode.SYSTEM


class Course:
    """Work to be carried out, with what was observed ahead of it."""

    def __init__(self, works: Iterable[Work], patience: Patience) -> None:
        self._works = list(works)
        self._patience = patience
        self._ahead = LookAhead(
            {work.id: work.after for work in self._works},
            {work.id: work.ahead for work in self._works if work.ahead is not None},
        )

    def look_ahead(self, beside: Callable[[], Given]) -> Given:
        """Observe what comes first, and call ``beside`` at the same time; what that gives.

        What is carried out within a moment is not observed again. A failure is no failure yet: it is observed again.
        """
        given: list[Given] = []
        run_parallel(lambda: given.append(beside()), self._ahead.begin)
        return given[0]

    def execute(self, report: Callable[[StepResult], None], begun: Callable[[str], None] = lambda _: None) -> Outcome:
        """Do the work, independent parts in parallel, until one fails.

        Each is reported as soon as it ends, those that were not reached as skipped. ``begun`` gets the id of each that
        begins.
        """
        tasks = [Task(work.id, work.after, _converging(work, self._patience, self._ahead)) for work in self._works]
        results, failure, interrupted = carry_out_tasks(tasks, report, stop=self._patience.stopped.set, begun=begun)
        if not interrupted:
            self._ahead.wait()
        return Outcome(tuple(results), failure, interrupted)


def execute(
    works: Iterable[Work],
    patience: Patience,
    report: Callable[[StepResult], None],
    begun: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Do the work; see ``Course``."""
    return Course(works, patience).execute(report, begun)


def unchanged(plan: Plan) -> list[StepResult]:
    """The results of a plan that has nothing to do."""
    return [StepResult(step.id, "unchanged", 0, step.decision.summary) for step in plan.steps]


def _converging(work: Work, patience: Patience, ahead: LookAhead[Observed]) -> Callable[[], tuple[Status, str]]:
    """Doing one piece of work: again from the observation, as long as its failure may heal.

    So a change whose answer was lost is never made twice: the next observation finds it made.
    """
    tried = False

    def once() -> tuple[Status, str]:
        nonlocal tried
        if tried:
            ahead.unsettled(work.id)
        began = time.monotonic()
        observed = ahead.take(work.id)
        if observed is None or observed.decision.action is Action.REFUSE:
            observed = work.observe()
        decision = observed.decision
        if decision.action is Action.REFUSE:
            raise RefusedError(f"{work.id}.refused", decision.summary, decision.hint)
        if decision.action is Action.NONE:
            ahead.through(work.id, began)
            return "done" if tried and not observed.withheld else "unchanged", decision.summary
        if patience.stopped.is_set():
            raise SystemFailure("run.interrupted", f"{work.id}: interrupted before it wrote", "run it again")
        tried = True
        try:
            done = observed.act()
        except WithheldError as error:
            return "unchanged", error.decision.summary
        if isinstance(done, str):
            done = Done(done, time.monotonic())
        ahead.through(work.id, done.since)
        _await_effect(work, done.since, patience, ahead)
        return "done", done.summary

    return lambda: patience(once, repeatable=True)


def _await_effect(work: Work, since: float, patience: Patience, ahead: LookAhead[Observed]) -> None:
    """Observe until the system shows what it has accepted; it may take a moment. What was seen ``since`` counts.

    Raises ``SystemFailure`` when something is still to be done after ``SETTLING_SECONDS``.
    """
    seen: list[Decision] = []

    def look() -> Decision:
        if work.ahead is not None and not seen:
            return work.ahead(since).decision
        return work.settled() if work.settled else work.observe().decision

    def settled() -> bool:
        seen.append(look())
        if seen[-1].action in (Action.NONE, Action.REFUSE):
            return True
        ahead.unsettled(work.id)
        return False

    patience.until(settled, SETTLING_SECONDS)
    if seen[-1].action is not Action.NONE:
        raise SystemFailure(
            f"{work.id}.not_converged",
            f"{work.id}: {work.system} accepted the change but still shows: {seen[-1].summary} "
            f"({seen[-1].state.value})",
            "look at it there, then run the same command again",
        )
