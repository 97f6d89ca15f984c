"""Observe every step, then carry the steps out; each is observed again right before and right after it acts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from generator.changes import FileChange, compare
from generator.errors import ExitCode, NewserviceError, PreflightError, RefusedError, SystemFailure
from generator.plan import Action, Decision, Plan, State, StepPlan, build_plan
from generator.project import InfraState
from generator.run import Run
from generator.steps import Step
from generator.steps.base import wait_until
from generator.steps.infra import observe_infra
from generator.steps.service import observe_both
from generator.trees import Folder, Nothing, RemoteCommit, Tree

Status = Literal["done", "unchanged", "failed", "skipped"]

SETTLING_SECONDS = 15.0
"""How long a system may take to show what it has just accepted."""


@dataclass(frozen=True)
class StepResult:
    """What became of one step."""

    id: str
    status: Status
    elapsed_ms: int
    summary: str


@dataclass(frozen=True)
class Outcome:
    """What became of a run. ``failure`` is set where a step failed; ``interrupted`` where a person stopped it."""

    steps: tuple[StepResult, ...]
    failure: Exception | None = None
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


def observe(steps: Iterable[Step[Any]], run: Run, notes: Iterable[str] = ()) -> Plan:
    """Look at every system, read only, and say what is to be done.

    A system that can't be seen makes its steps unknown. Raises ``AnswersError`` where another stack has a name
    that this service needs for itself.
    """
    run.forget()
    decided = [_observe(step, run) for step in steps]
    unknown = any(item.decision.state is State.UNKNOWN for item in decided)
    state = None if unknown else _infra_in_force(run)
    return build_plan(
        run.name,
        files=[] if state is None else [*_service_changes(run), *state.files],
        registrations=[] if state is None else state.registrations,
        steps=decided,
        notes=notes,
    )


def carry_out(steps: list[Step[Any]], run: Run, report: Callable[[StepResult], None]) -> Outcome:
    """Take the steps in order until one fails. Every step is reported, those that were not reached as skipped."""
    results: list[StepResult] = []

    def note(result: StepResult) -> None:
        results.append(result)
        report(result)

    failure: Exception | None = None
    interrupted = False
    try:
        for step in steps:
            started = time.monotonic()
            try:
                status, summary = _take(step, run)
            except NewserviceError as error:
                failure, status, summary = error, "failed", error.message
            except KeyboardInterrupt:
                interrupted, status, summary = True, "failed", "interrupted"
            except Exception as error:  # noqa: BLE001 - what was done so far is told even after a fault of ours
                failure, status, summary = error, "failed", f"{type(error).__name__} in newservice itself"
            note(StepResult(step.id, status, round((time.monotonic() - started) * 1000), summary))
            if failure or interrupted:
                break
    except KeyboardInterrupt:  # between two steps
        interrupted = True
    told = {result.id for result in results}
    for step in steps:
        if step.id not in told:
            note(StepResult(step.id, "skipped", 0, "not reached"))
    return Outcome(tuple(results), failure, interrupted)


def unchanged(plan: Plan) -> list[StepResult]:
    """The results of a plan that has nothing to do."""
    return [StepResult(step.id, "unchanged", 0, step.decision.summary) for step in plan.steps]


def _observe(step: Step[Any], run: Run) -> StepPlan:
    try:
        decision = step.decide(run, step.observe(run))
    except (SystemFailure, PreflightError) as error:
        decision = Decision(State.UNKNOWN, Action.REFUSE, error.message, error.hint, error.code)
    return StepPlan(step.id, step.system, decision)


def _take(step: Step[Any], run: Run) -> tuple[Status, str]:
    run.forget()
    facts = step.observe(run)
    decision = step.decide(run, facts)
    if decision.action is Action.REFUSE:
        raise RefusedError(f"{step.id}.refused", decision.summary, decision.hint)
    if decision.action is Action.NONE:
        return "unchanged", decision.summary
    summary = step.act(run, facts)

    def look() -> Decision:
        run.forget()
        return step.decide(run, step.observe(run))

    seen = look()
    if seen.action in (Action.CREATE, Action.UPDATE):  # systems may take a moment to show what they accepted
        wait_until(lambda: look().action is Action.NONE, seconds=SETTLING_SECONDS)
        seen = look()
    if seen.action is not Action.NONE:
        raise SystemFailure(
            f"{step.id}.not_converged",
            f"{step.id}: {step.system} accepted the change but still shows: {seen.summary} ({seen.state.value})",
            "look at it there, then run the same command again",
        )
    return "done", summary


def _infra_in_force(run: Run) -> InfraState:
    """Our branch where it is ours and something is still to be merged, else the default branch."""
    facts = observe_infra(run)
    if facts.base is None or facts.base_state is None:
        return run.project.infra_state(Nothing(), run.other_stacks)
    state = facts.base_state
    pending = facts.branch_state is not None and facts.branch_state.made_by_us and not facts.spent
    if facts.branch_state is not None and pending and not facts.base_state.complete:
        state = facts.branch_state
    if not facts.base_state.made_by_us and not facts.base_state.foreign:
        run.check_allocations(state)
    return state


def _service_changes(run: Run) -> list[FileChange]:
    """Service files against the canonical repository, else the folder from which they will be pushed."""
    if not run.answers.owned:
        return []
    facts = observe_both(run)
    tree: Tree = Nothing()
    if facts.canonical:
        tree = RemoteCommit(run.forgejo, run.owner, run.name, facts.canonical)
    elif facts.place.recorded:
        tree = Folder(facts.place.path)
    return compare("service", run.project.service_files(facts.woodpecker_id or 0), tree)
