"""Observe every step, then carry the steps out; each is observed again right before and right after it acts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from generator.changes import FileChange, compare
from generator.errors import ExitCode, NewserviceError, RefusedError, SystemFailure
from generator.plan import Action, Plan, StepPlan, build_plan
from generator.run import InfraState, Run
from generator.steps import Step
from generator.steps.base import wait_until
from generator.steps.infra import observe_infra
from generator.steps.service import observe_both
from generator.trees import Commit, Nothing, RemoteCommit, Tree

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
    failure: NewserviceError | None = None
    interrupted: bool = False

    @property
    def wrote(self) -> bool:
        """Whether any step changed something."""
        return any(step.status == "done" for step in self.steps)

    @property
    def exit_code(self) -> ExitCode:
        """A failure before the first write keeps its own code; after it, some of the work is done."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.failure is None:
            return ExitCode.OK
        refused = self.failure.exit_code in (ExitCode.REFUSED, ExitCode.INTERNAL)
        if refused or (not self.wrote and self.failure.exit_code is ExitCode.PREFLIGHT):
            return self.failure.exit_code
        return ExitCode.SYSTEM


def observe(steps: Iterable[Step[Any]], run: Run, notes: Iterable[str] = ()) -> Plan:
    """Look at every system, read only, and say what is to be done.

    Raises ``AnswersError`` where another stack has a name that this service needs for itself.
    """
    decided = []
    for step in steps:
        facts = step.observe(run)
        decided.append(StepPlan(step.id, step.system, step.decide(run, facts)))
    state = _infra_in_force(run)
    return build_plan(
        run.name,
        files=[*_service_changes(run), *state.files],
        registrations=state.registrations,
        steps=decided,
        notes=notes,
    )


def carry_out(steps: list[Step[Any]], run: Run, report: Callable[[StepResult], None]) -> Outcome:
    """Take the steps in order until one fails. Every step is reported, those that were not reached as skipped."""
    results: list[StepResult] = []

    def note(result: StepResult) -> None:
        results.append(result)
        report(result)

    failure: NewserviceError | None = None
    interrupted = False
    for step in steps:
        if failure or interrupted:
            note(StepResult(step.id, "skipped", 0, "not reached"))
            continue
        started = time.monotonic()
        try:
            status, summary = _take(step, run)
        except NewserviceError as error:
            failure, status, summary = error, "failed", error.message
        except KeyboardInterrupt:
            interrupted, status, summary = True, "failed", "interrupted"
        note(StepResult(step.id, status, round((time.monotonic() - started) * 1000), summary))
    return Outcome(tuple(results), failure, interrupted)


def _take(step: Step[Any], run: Run) -> tuple[Status, str]:
    facts = step.observe(run)
    decision = step.decide(run, facts)
    if decision.action is Action.REFUSE:
        raise RefusedError(f"{step.id}.refused", decision.summary, decision.hint)
    if decision.action is Action.NONE:
        return "unchanged", decision.summary
    summary = step.act(run, facts)

    def converged() -> bool:
        return step.decide(run, step.observe(run)).action is Action.NONE

    if not wait_until(converged, seconds=SETTLING_SECONDS):
        seen = step.decide(run, step.observe(run))
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
        return run.project.infra_state(Nothing())
    listing = run.infra_listing(facts.base)
    if listing is not None and not facts.base_state.made_by_us and not facts.base_state.foreign:
        run.project.check_allocations(listing)
    if facts.branch_state is not None and not facts.base_state.complete:
        return facts.branch_state
    return facts.base_state


def _service_changes(run: Run) -> list[FileChange]:
    """Service files against the canonical repository, else the folder from which they will be pushed."""
    if not run.answers.owned:
        return []
    facts = observe_both(run)
    tree: Tree = Nothing()
    if facts.remote:
        tree = RemoteCommit(run.forgejo, run.owner, run.name, facts.remote)
    elif facts.local and facts.local_repository:
        tree = Commit(facts.local_repository, facts.local)
    return compare("service", run.project.service_files(facts.woodpecker_id or 0), tree)
