"""Observes everything, then removes one thing after the other; everything is observed again right before each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from generator.base.errors import PreflightError, RefusedError, SystemFailure
from generator.base.memo import run_parallel
from generator.base.parallel import StepResult
from generator.engine.context import Run
from generator.engine.executor import Done, Observed, Outcome, WithheldError, Work, execute
from generator.engine.plan import Action, Decision, Plan, State, StepPlan, build_plan
from generator.engine.steps.removal.base import Covered, Removal, is_kept, kept, waits
from generator.engine.steps.removal.by_proposal import Leaving

_WRITES = (Action.DELETE, Action.CREATE)


@dataclass(frozen=True)
class Found:
    """A thing in its observed state, what to do about it, and what is removed with it."""

    removal: Removal[Any]
    facts: Any
    decision: Decision
    covered: Covered = field(default_factory=Covered)

    @property
    def goes(self) -> bool:
        """Whether it is removed."""
        return self.decision.action is Action.DELETE


@dataclass(frozen=True)
class Carried(Outcome):
    """The outcome of a removal. ``left``: what was planned to go but stays after all, by its id, and why."""

    left: Mapping[str, Decision] = field(default_factory=dict)


def observe(removals: Sequence[Removal[Any]], run: Run) -> Plan:
    """Observe everything in parallel, read only. What can't be seen is unknown."""
    view = run.fresh()
    found = settle(run_parallel(*(partial(_seen, removal, view) for removal in removals)))
    going = [item.covered for item in found if item.goes]
    return build_plan(
        run.name,
        files=[file for covered in going for file in covered.files],
        registrations=[entry for covered in going for entry in covered.registrations],
        steps=[StepPlan(item.removal.id, item.removal.system, item.decision) for item in found],
    )


def carry_out(
    removals: Sequence[Removal[Any]],
    run: Run,
    plan: Plan,
    report: Callable[[StepResult], None],
    begun: Callable[[str], None] = lambda _: None,
) -> Carried:
    """Remove what the plan shows, in order, until something fails; what it does not show is not touched."""
    shown = {step.id: step.decision for step in plan.steps}
    left: dict[str, Decision] = {}
    ids = [removal.id for removal in removals]
    works = [
        Work(
            removal.id,
            removal.system,
            tuple(ids[:number]),
            partial(_observed, removals, removal, run, shown[removal.id], left),
            partial(_settled, removal, run),
        )
        for number, removal in enumerate(removals)
    ]
    outcome = execute(works, run.patience, report, begun)
    return Carried(outcome.steps, outcome.failure, outcome.interrupted, left)


def settle(found: Sequence[Found]) -> list[Found]:
    """Keep what depends on something that stays. Returns all of ``found`` with their final decisions. Pure.

    A stack on the default branch may be running: its repository and its secrets wait until it is gone from there. So
    does what builds an adopted repository, until newservice's files are gone from it.
    Repository, mirror, link and registration are one thing, and so are a branch that stays and its secrets.
    """
    live = any(isinstance(item.facts, Leaving) and item.facts.ours for item in found)
    if live:
        return [item if item.removal.group == "infra" or not item.removal.in_use else _waiting(item) for item in found]
    staying = {group: _first_kept(found, group) for group in ("infra", "repository")}
    return [_with(item, staying) for item in found]


def _waiting(item: Found) -> Found:
    if not item.goes:
        return item
    summary = f"{item.decision.summary}; waits until the pull request is merged"
    return replace(item, decision=waits(summary))


def _first_kept(found: Sequence[Found], group: str) -> str:
    return next((item.removal.id for item in found if item.removal.group == group and is_kept(item.decision)), "")


def _with(item: Found, staying: dict[str, str]) -> Found:
    belongs_to = {"repository": "repository", "secrets": "infra"}.get(item.removal.group, "")
    other = staying.get(belongs_to, "")
    if not item.goes or not other:
        return item
    return replace(item, decision=kept(item.decision.summary, [f"{other} does"]))


def _seen(removal: Removal[Any], run: Run) -> Found:
    try:
        return _look(removal, run)
    except (SystemFailure, PreflightError) as error:
        return Found(removal, None, Decision(State.UNKNOWN, Action.REFUSE, error.message, error.hint, error.code))


def _look(removal: Removal[Any], run: Run) -> Found:
    facts = removal.observe(run)
    decision = removal.decide(run, facts)
    return Found(removal, facts, decision, removal.covers(run, facts))


def _observed(
    removals: Sequence[Removal[Any]], removal: Removal[Any], run: Run, shown: Decision, left: dict[str, Decision]
) -> Observed:
    """A removal decided by the current state. What the plan did not remove, or what was changed since, stays.

    The latter is noted in ``left``.
    """
    if shown.action not in _WRITES:
        return Observed(replace(shown, action=Action.NONE), _nothing)
    mine = next(item for item in _all(removals, run) if item.removal.id == removal.id)
    if mine.decision.action in _WRITES:
        return Observed(mine.decision, partial(_act, mine, run, left))
    if _stays(mine):
        left[removal.id] = mine.decision
    return Observed(mine.decision, _nothing, withheld=removal.id in left)


def _act(item: Found, run: Run, left: dict[str, Decision]) -> str | Done:
    try:
        done: str | Done = item.removal.act(run.fresh(), item.facts)
    except WithheldError as error:
        left[item.removal.id] = error.decision
        raise
    return done


def _nothing() -> str:
    raise AssertionError("nothing to do about it")


def _settled(removal: Removal[Any], run: Run) -> Decision:
    view = run.fresh()
    return removal.decide(view, removal.observe(view))


def _stays(item: Found) -> bool:
    """Whether it still exists, and no pull request removes it."""
    waiting = item.removal.group != "infra" and item.decision.state is State.PRESENT
    return is_kept(item.decision) or waiting


def _all(removals: Sequence[Removal[Any]], run: Run) -> list[Found]:
    """Everything as it is now. Raises where something can't be seen, or is not newservice's."""
    view = run.fresh()
    found = settle(run_parallel(*(partial(_look, removal, view) for removal in removals)))
    for item in found:
        if item.decision.action is Action.REFUSE:
            raise RefusedError(f"{item.removal.id}.refused", item.decision.summary, item.decision.hint)
    return found


def written(plan: Plan) -> Collection[str]:
    """Ids of the steps that write: removals, and what they need."""
    return [step.id for step in plan.steps if step.decision.action in _WRITES]
