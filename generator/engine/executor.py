"""Observe every step, then carry the steps out; each is observed again right before and right after it acts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

from generator.base.errors import ExitCode, NewserviceError, PreflightError, RefusedError, SystemFailure
from generator.base.memo import together
from generator.base.parallel import Status, StepResult, Task, carry_out_tasks
from generator.engine.context import Run
from generator.engine.plan import Action, Decision, Plan, State, StepPlan, build_plan
from generator.engine.project import InfraState
from generator.engine.steps import Step
from generator.engine.steps.infra import observe_infra
from generator.engine.steps.service import observe_both
from generator.infra_repo.fingerprints import blob_id
from generator.infra_repo.tree_diff import FileChange, compare
from generator.infra_repo.trees import Contents, Folder, Nothing, RemoteCommit, Tree

SETTLING_SECONDS = 15.0
"""How long a system may take to show what it has just accepted."""


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


def observe(steps: Sequence[Step[Any]], run: Run, notes: Iterable[str] = ()) -> Plan:
    """Look at every system, read only, all at the same time, and say what is to be done.

    A system that can't be seen makes its steps unknown. Raises ``AnswersError`` where another stack has a name
    that this service needs for itself.
    """
    run = run.fresh()
    looks: list[Callable[[], StepPlan | None]] = [partial(_observe, step, run) for step in steps]
    seen = together(*looks, partial(_render, run))  # what is rendered is rendered while systems answer
    decided = [item for item in seen if item is not None]
    unknown = any(item.decision.state is State.UNKNOWN for item in decided)
    state = None if unknown else _infra_in_force(run)
    return build_plan(
        run.name,
        files=[] if state is None else [*_service_changes(run), *state.files],
        registrations=[] if state is None else state.registrations,
        steps=decided,
        notes=notes,
    )


def carry_out(
    steps: Sequence[Step[Any]],
    run: Run,
    report: Callable[[StepResult], None],
    begun: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Take the steps, those that don't need each other at the same time, until one fails.

    Every step is reported as soon as it ends, those that were not reached as skipped. ``begun`` is told the id of each
    that begins.
    """
    tasks = [Task(step.id, step.after, _taking(step, run)) for step in steps]
    results, failure, interrupted = carry_out_tasks(tasks, report, stop=run.patience.stopped.set, begun=begun)
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


def _taking(step: Step[Any], run: Run) -> Callable[[], tuple[Status, str]]:
    """Taking a step: again from the look at what there is, as long as its failure may heal.

    So a change whose answer was lost is never made twice: the next look finds it made.
    """
    tried = False

    def once() -> tuple[Status, str]:
        nonlocal tried
        view = run.fresh()
        facts = step.observe(view)
        decision = _allowed(step, step.decide(view, facts))
        if decision.action is Action.NONE:
            return "done" if tried else "unchanged", decision.summary
        if run.patience.stopped.is_set():
            raise SystemFailure("run.interrupted", f"{step.id}: interrupted before it wrote", "run it again")
        tried = True
        summary = step.act(view, facts)
        await_convergence(step, run)
        return "done", summary

    return lambda: run.patience(once, repeatable=True)


def _allowed(step: Step[Any], decision: Decision) -> Decision:
    if decision.action is Action.REFUSE:
        raise RefusedError(f"{step.id}.refused", decision.summary, decision.hint)
    return decision


class Settling(Protocol):
    """What is looked at again after it was changed: a step, or a removal."""

    id: ClassVar[str]
    system: ClassVar[str]

    def observe(self, run: Run) -> Any:
        """Read what is there."""

    def decide(self, run: Run, facts: Any) -> Decision:
        """Say what is to be done about it."""


def await_convergence(step: Settling, run: Run) -> None:
    """Look again until the system shows what it has accepted; it may take a moment.

    Raises ``SystemFailure`` when something is still to be done after ``SETTLING_SECONDS``.
    """
    seen: list[Decision] = []

    def look() -> bool:
        view = run.fresh()
        seen.append(step.decide(view, step.observe(view)))
        return seen[-1].action in (Action.NONE, Action.REFUSE)

    run.patience.until(look, SETTLING_SECONDS)
    if seen[-1].action is not Action.NONE:
        raise SystemFailure(
            f"{step.id}.not_converged",
            f"{step.id}: {step.system} accepted the change but still shows: {seen[-1].summary} "
            f"({seen[-1].state.value})",
            "look at it there, then run the same command again",
        )


def _render(run: Run) -> None:
    """Render the service for the comparison that follows; what is wrong with the template is told there."""
    if run.answers.owned:
        with suppress(NewserviceError):
            run.project.service_files(run.woodpecker_number() or 0)


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
    files = run.project.service_files(facts.woodpecker_id or 0)
    tree: Tree = Nothing()
    if facts.canonical:
        ours = Contents({blob_id(file.content): file.content for file in files})  # only what differs is asked for
        tree = RemoteCommit(run.forgejo, run.owner, run.name, facts.canonical, ours)
    elif facts.place.recorded:
        tree = Folder(facts.place.path)
    return compare("service", files, tree)
