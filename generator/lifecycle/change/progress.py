"""A change of a service that is under way: what is left of it, and what finishes it. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from generator.base.memo import run_parallel
from generator.engine.change import Change
from generator.engine.context import Run
from generator.engine.onboarding import Shown, created, observe
from generator.engine.ownership import of_tree
from generator.engine.plan import Action, Plan, StepPlan
from generator.engine.recorded import Recorded
from generator.engine.steps import finishing, steps_of, steps_on_the_way
from generator.engine.steps.change.base import writes
from generator.engine.steps.change.infra import observe_stack
from generator.engine.steps.change.line import Line
from generator.engine.steps.change.service import observe_service
from generator.engine.transition import Transition
from generator.lifecycle.change.plan import contents


@dataclass(frozen=True)
class Progress:
    """How far the change of a service ``name`` has come; ``state`` says it in a sentence.

    ``steps`` propose what is left of it, ``systems`` are the ids of those that come before. ``reviews`` are the
    addresses of its open pull requests.
    """

    name: str
    state: str
    steps: tuple[StepPlan, ...]
    systems: frozenset[str]
    reviews: tuple[str, ...]

    def stopped(self, seen: Iterable[StepPlan]) -> bool:
        """Whether the change itself has something left to do among the steps that were ``seen``."""
        ids = self.systems | {step.id for step in self.steps}
        return any(step.id in ids and step.decision.action is not Action.NONE for step in seen)

    def finished_by(self, seen: Iterable[StepPlan]) -> tuple[str, ...]:
        """What finishes it: one command or, where that has done its part, the pull requests to be merged."""
        if self.stopped(seen):
            return (f"newservice change {self.name}",)
        return tuple(f"review and merge {url}" for url in self.reviews)


@dataclass(frozen=True)
class _Layer:
    """One repository's part: ``where`` it is, and the ids of its steps."""

    where: str
    line: Line
    found: Transition
    ids: tuple[str, str]

    @property
    def over(self) -> bool:
        """Whether nothing of the change is left here: it is merged, or changes nothing."""
        return not self.line.waits and not writes(self.found) and not self.found.conflicts


def under_way(run: Run, change: Change) -> Progress | None:
    """The change of a service that is under way, as seen in this pass; None where nothing is left of one."""
    layers = _layers(run, change)
    left = [layer for layer in layers if not layer.over]
    if not left:
        return None
    ids = {id_ for layer in left for id_ in layer.ids}
    steps = [step for step in finishing(change) if step.id in ids]
    decided = [StepPlan(step.id, step.system, step.decide(run, step.observe(run))) for step in steps]
    reviews = tuple(layer.line.pull.url for layer in left if layer.line.proposed and layer.line.pull)
    systems = frozenset(step.id for step in steps_of(change).wanted)
    return Progress(change.name, _state(change, layers, decided), tuple(decided), systems, reviews)


def observe_with(run: Run, change: Change, notes: Iterable[str] = ()) -> tuple[Plan, Progress | None]:
    """The state of every step of a service that exists, with what is left of a change of it."""
    seen: list[Progress | None] = []

    def shown(view: Run) -> Shown:
        seen.append(under_way(view, change))
        return contents(view, change) if seen[0] else created(view)

    plan = observe(steps_on_the_way(change).wanted, run, notes, shown)
    if not seen:  # not everything could be seen
        return plan, None
    over = {step.id for step in finishing(change)} - {step.id for step in (seen[0].steps if seen[0] else ())}
    return replace(plan, steps=tuple(step for step in plan.steps if step.id not in over)), seen[0]


def _layers(run: Run, change: Change) -> list[_Layer]:
    """Both repositories' parts, the service's first; they are looked at at the same time."""
    stacked = change.wanted.stacked and not change.onboarding
    looks: list[Callable[[], object]] = [partial(observe_stack, run, change)] if stacked else []
    looks += [partial(observe_service, run, change)] if change.wanted.owned else []
    run_parallel(*looks)
    layers = []
    if change.wanted.owned:
        service = observe_service(run, change)
        if service.line.tree and of_tree(service.line.origin, run.name).ours:  # another has its own steps to say so
            ids = ("service.change_commit", "service.change_request")
            layers.append(_Layer(f"{run.owner}/{run.name}", service.line, service.found, ids))
    if stacked:
        stack, ids = observe_stack(run, change), ("infra.change_commit", "infra.change_request")
        if not stack.removing:  # a service that ends has nothing to finish
            layers.append(_Layer(f"{run.owner}/{run.infra_repository}", stack.line, stack.found, ids))
    return layers


def _state(change: Change, layers: Sequence[_Layer], steps: Iterable[StepPlan]) -> str:
    """What is left of a change: its review, a part that is not proposed yet, or one made in one repository only."""
    parted = [
        f"{layer.where} is made with other answers to {', '.join(differing)} than the stack"
        for layer in layers
        if not layer.over and not layer.line.waits and (differing := layer.line.origin.differing(change.wanted.public))
    ]
    if parted:
        return "; ".join(parted)
    if any(step.decision.action is not Action.NONE for step in steps):
        return f"a change of {change.name} is not finished"
    merged = [layer.where for layer in layers if layer.over and _has(layer.line.merged, change)]
    return f"a change of {change.name} waits for review" + "".join(f", and is merged in {where}" for where in merged)


def _has(recorded: Recorded, change: Change) -> bool:
    """Whether a default branch records what the change proposes, or the whole of it where nothing is proposed."""
    public = change.wanted.public
    questions = {item.place.partition(".")[0] for item in change.proposed} or {*public}
    return all(recorded.values.get(name) == public[name] for name in questions if name in public)
