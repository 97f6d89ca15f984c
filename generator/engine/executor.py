"""The one loop that changes systems: observe, decide, act, and observe until the effect is visible.

Who wants something changed says how it is observed and how it is acted on; nothing here knows of a system.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from generator.base.errors import ExitCode, NewserviceError, RefusedError, SystemFailure
from generator.base.parallel import Status, StepResult, Task, carry_out_tasks
from generator.clients.patience import Patience
from generator.engine.plan import Action, Decision, Plan

SETTLING_SECONDS = 15.0
"""How long a system may take to show what it has just accepted."""


@dataclass(frozen=True)
class Observed:
    """What was observed: the decision that follows, and what carries it out and returns a summary for people.

    ``withheld``: nothing is done about it, although it was planned.
    """

    decision: Decision
    act: Callable[[], str]
    withheld: bool = False


@dataclass(frozen=True)
class Work:
    """One thing to change. ``observe`` reads the system anew and never writes; ``after`` names what comes first.

    ``settled`` observes the effect, where that takes fewer requests than ``observe``.
    """

    id: str
    system: str
    after: tuple[str, ...]
    observe: Callable[[], Observed]
    settled: Callable[[], Decision] | None = None


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


def execute(
    works: Iterable[Work],
    patience: Patience,
    report: Callable[[StepResult], None],
    begun: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Do the work, independent parts in parallel, until one fails.

    Each is reported as soon as it ends, those that were not reached as skipped. ``begun`` gets the id of each that
    begins.
    """
    tasks = [Task(work.id, work.after, _converging(work, patience)) for work in works]
    results, failure, interrupted = carry_out_tasks(tasks, report, stop=patience.stopped.set, begun=begun)
    return Outcome(tuple(results), failure, interrupted)


def unchanged(plan: Plan) -> list[StepResult]:
    """The results of a plan that has nothing to do."""
    return [StepResult(step.id, "unchanged", 0, step.decision.summary) for step in plan.steps]


def _converging(work: Work, patience: Patience) -> Callable[[], tuple[Status, str]]:
    """Doing one piece of work: again from the observation, as long as its failure may heal.

    So a change whose answer was lost is never made twice: the next observation finds it made.
    """
    tried = False

    def once() -> tuple[Status, str]:
        nonlocal tried
        observed = work.observe()
        decision = observed.decision
        if decision.action is Action.REFUSE:
            raise RefusedError(f"{work.id}.refused", decision.summary, decision.hint)
        if decision.action is Action.NONE:
            return "done" if tried and not observed.withheld else "unchanged", decision.summary
        if patience.stopped.is_set():
            raise SystemFailure("run.interrupted", f"{work.id}: interrupted before it wrote", "run it again")
        tried = True
        try:
            summary = observed.act()
        except WithheldError as error:
            return "unchanged", error.decision.summary
        _await_effect(work, patience)
        return "done", summary

    return lambda: patience(once, repeatable=True)


def _await_effect(work: Work, patience: Patience) -> None:
    """Observe until the system shows what it has accepted; it may take a moment.

    Raises ``SystemFailure`` when something is still to be done after ``SETTLING_SECONDS``.
    """
    seen: list[Decision] = []

    def settled() -> bool:
        seen.append(work.settled() if work.settled else work.observe().decision)
        return seen[-1].action in (Action.NONE, Action.REFUSE)

    patience.until(settled, SETTLING_SECONDS)
    if seen[-1].action is not Action.NONE:
        raise SystemFailure(
            f"{work.id}.not_converged",
            f"{work.id}: {work.system} accepted the change but still shows: {seen[-1].summary} "
            f"({seen[-1].state.value})",
            "look at it there, then run the same command again",
        )
