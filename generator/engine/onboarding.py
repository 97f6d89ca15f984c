"""A project against the systems: the plan that follows from what is observed, and the steps that carry it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from generator.base.errors import PreflightError, SystemFailure
from generator.base.memo import run_parallel
from generator.engine.change import change_branch
from generator.engine.context import Run
from generator.engine.executor import Course, Observed, Work
from generator.engine.plan import Action, Decision, Plan, State, StepPlan, build_plan
from generator.engine.project import InfraState
from generator.engine.steps import Step
from generator.engine.steps.adoption.commit import observe_adoption
from generator.engine.steps.infra import observe_infra
from generator.engine.steps.service import observe_both
from generator.engine.working_tree import WorkingTree
from generator.infra_repo.entries import RegistrationChange
from generator.infra_repo.tree_diff import FileChange
from generator.infra_repo.trees import Nothing, Tree

_INFRA_PUSHES = ("infra.commit", "infra.change_commit")
"""The steps that push to the infra repository; they wait for no other."""

Shown = tuple[Sequence[FileChange], Sequence[RegistrationChange]]


def created(run: Run) -> Shown:
    """The files and the entries that creating a service is about."""
    if not run.answers.stacked:
        return _service_changes(run), ()
    state = _infra_in_force(run)
    return [*_service_changes(run), *state.files], state.registrations


def observe(
    steps: Sequence[Step[Any]],
    run: Run,
    notes: Iterable[str] = (),
    contents: Callable[[Run], Shown] = created,
) -> Plan:
    """Look at every system, read only, all at the same time, and say what is to be done.

    ``contents`` says which files and entries the plan shows. A system that can't be seen makes its steps unknown.
    Raises ``AnswersError`` where another stack has a name that this service needs for itself, and ``RefusedError``
    where the infra repository is too old for the template.
    """
    run = run.fresh()
    decided = observe_steps(steps, run)
    unknown = any(item.decision.state is State.UNKNOWN for item in decided)
    files, registrations = ([], []) if unknown else contents(run)
    return build_plan(
        run.name,
        files=files,
        registrations=registrations,
        steps=decided,
        notes=notes,
        gates=run.answers.gates,
    )


def observe_steps(steps: Sequence[Step[Any]], run: Run) -> list[StepPlan]:
    """Look at the systems for these steps alone, as ``observe`` does."""
    return run_parallel(*(partial(_observe, step, run) for step in steps))


def course(steps: Sequence[Step[Any]], run: Run) -> Course:
    """The steps as work to be carried out, those that don't need each other in parallel."""
    pushing = tuple(step.id for step in steps if step.id in _INFRA_PUSHES)
    # A change of a stack that waits itself goes on its branch.
    first = pushing if pushing and any(map(run.pushes_first, (run.infra_branch, change_branch(run.name)))) else ()
    return Course([_work(step, run, first) for step in steps], run.patience)


def _work(step: Step[Any], run: Run, first: tuple[str, ...]) -> Work:
    """A step; where a rule may reject our branch unforeseen, its push (``first``) comes before all other writes."""

    def observed(since: float | None = None) -> Observed:
        view = run.fresh(since)
        facts = step.observe(view)
        return Observed(step.decide(view, facts), partial(step.act, view, facts))

    after = step.waits_for(run) if step.id in first else (*step.waits_for(run), *first)
    return Work(step.id, step.system, after, observed, ahead=observed)


def _observe(step: Step[Any], run: Run) -> StepPlan:
    try:
        decision = step.decide(run, step.observe(run))
    except (SystemFailure, PreflightError) as error:
        decision = Decision(State.UNKNOWN, Action.REFUSE, error.message, error.hint, error.code)
    return StepPlan(step.id, step.system, decision)


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
        run.project.check_modules(run.infra_tree(facts.base), state.facts)
    return state


def _service_changes(run: Run) -> list[FileChange]:
    """Service files against the canonical repository, else the folder from which they will be pushed."""
    if not run.answers.owned:
        return []
    if run.answers.adopted:
        return list(observe_adoption(run).files)
    facts = observe_both(run)
    files = run.project.service_files(facts.woodpecker_id or 0)
    tree: Tree = Nothing()
    if facts.canonical:
        tree = run.canonical_commit(facts.canonical, files)
    elif facts.place.recorded:
        tree = WorkingTree.at(facts.place.path)
    return list(run.project.service_changes(files, tree))
