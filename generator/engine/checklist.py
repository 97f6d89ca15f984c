"""What surrounds a merge: by hand before, by the pipeline, by hand after; so that no pipeline run fails. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generator.platform.profile import InfraRepository

STACK_ORDER = 55
"""The place of the service's own stack in the order of applying: what comes before it by hand must exist first."""


@dataclass(frozen=True)
class Task:
    """A line for a person, with the command that does it, and its place in the order.

    ``reads``: the answers that it depends on. ``always``: it has no condition, so that every change needs it.
    ``number`` is its place in ``apply.yml``. ``stack``: it applies this stack, ``targets`` only these addresses of it.
    """

    order: int
    line: str
    command: str = ""
    reads: frozenset[str] = frozenset()
    always: bool = False
    number: int = 0
    stack: str = ""
    targets: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The line, and below it the command as a shell takes it."""
        return f"{self.line}\n{self.command}" if self.command else self.line


@dataclass(frozen=True)
class Checklist:
    """The phases of a merge. ``pipeline``: the stacks that the merge applies by itself, in its order.

    ``skip`` is the word in a commit's message with which it applies nothing. Where a platform's merges apply nothing,
    all is in ``after``.
    """

    before: tuple[Task, ...] = ()
    pipeline: tuple[str, ...] = ()
    after: tuple[Task, ...] = ()
    skip: str = ""

    def __bool__(self) -> bool:
        """Whether anything surrounds the merge."""
        return bool(self.before or self.pipeline or self.after)

    @property
    def applied(self) -> str:
        """What the merge starts, and how it does not; empty where it applies nothing."""
        skipped = f"; with {self.skip} in the merge's message it does not" if self.pipeline and self.skip else ""
        return f"{self.started}{skipped}"

    @property
    def started(self) -> str:
        """What the merge starts, for a pull request's text: a forge may put that into the message of the merge."""
        if not self.pipeline:
            return ""
        return f"the merge's pipeline applies, by itself and in this order: {', '.join(self.pipeline)}"

    def around(self, merge: Iterable[str]) -> tuple[str, ...]:
        """All of it as lines, with the ``merge``'s own lines in their place."""
        applied = [self.applied] if self.pipeline else []
        lines = [*(task.text for task in self.before), *merge, *applied, *(task.text for task in self.after)]
        return tuple(dict.fromkeys(lines))

    def with_lines(self, before: Iterable[str] = (), after: Iterable[str] = ()) -> Checklist:
        """The same with further lines, first of all and last of all."""
        first, last = (tuple(Task(STACK_ORDER, line) for line in lines) for lines in (before, after))
        return replace(self, before=(*first, *self.before), after=(*self.after, *last))

    def as_document(self) -> dict[str, Any]:
        """The interface's JSON object."""
        before, after = (
            [{"do": task.line, **({"run": task.command} if task.command else {})} for task in tasks]
            for tasks in (self.before, self.after)
        )
        return {"before": before, "pipeline": list(self.pipeline), "after": after}


def by_hand_first(infra: InfraRepository, applying: Sequence[Task]) -> list[Task]:
    """Which stacks a person applies before the merge: those that its pipeline never applies, and what these build on.

    ``applying`` are the tasks of shared files; one that comes before such a stack in the order is what it builds on.
    """
    pipeline = infra.pipeline
    if pipeline is None:
        return []
    last = max((task.order for task in applying if task.stack in pipeline.never), default=None)
    return [task for task in applying if last is not None and task.stack and task.order <= last]


def checklist(infra: InfraRepository, tasks: Iterable[Task], applying: Sequence[Task] = ()) -> Checklist:
    """The phases of these tasks, each line once. ``applying``: those that apply stacks of shared files."""
    pipeline, own = infra.pipeline, list(tasks)
    if pipeline is None:
        return Checklist(after=_in_order(_with_command(infra, task) for task in (*applying, *own)))
    first = by_hand_first(infra, applying)
    left = [task for task in applying if task not in first and not _by_pipeline(infra, task)]
    manual = [task for task in own if not task.stack]
    before = [_by_hand(infra, task, first) for task in first] + [task for task in manual if task.order < STACK_ORDER]
    after = left + [task for task in manual if task.order >= STACK_ORDER]
    stacks = {task.stack for task in (*applying, *own) if _by_pipeline(infra, task)}
    order = {stack: place for place, stack in enumerate(pipeline.first)}
    applied = sorted(stacks, key=lambda stack: (order.get(stack, len(order)), stack))
    return Checklist(_in_order(before), tuple(applied), _in_order(after), pipeline.skip)


def after_removal(infra: InfraRepository, applying: Iterable[Task]) -> Checklist:
    """What follows the merge that takes a stack out: nothing has to exist first, and the order is reversed."""
    tasks = [replace(task, order=-task.order, targets=()) for task in applying]
    left = [_with_command(infra, task) for task in tasks if not _by_pipeline(infra, task)]
    return Checklist((), checklist(infra, (), tasks).pipeline, _in_order(left))


def _by_pipeline(infra: InfraRepository, task: Task) -> bool:
    return infra.pipeline is not None and bool(task.stack) and task.stack not in infra.pipeline.never


def _by_hand(infra: InfraRepository, task: Task, first: Sequence[Task]) -> Task:
    """A stack that a person applies before the merge, with the reason."""
    if not _by_pipeline(infra, task):
        why = ": the merge's pipeline never applies it"
    else:
        never = ", ".join(dict.fromkeys(item.stack for item in first if not _by_pipeline(infra, item)))
        why = f", although the merge's pipeline applies it too: {never} builds on it"
    return replace(_with_command(infra, task), line=f"apply {task.stack} by hand from the branch{why}")


def _with_command(infra: InfraRepository, task: Task) -> Task:
    """A task that applies a stack, with the command for it."""
    return replace(task, command=infra.apply_command(task.stack, task.targets)) if task.stack else task


def _in_order(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """Each line once, in the order that works."""
    found: dict[str, Task] = {}
    for task in sorted(tasks, key=lambda task: (task.order, task.line)):
        found.setdefault(task.line, task)
    return tuple(found.values())
