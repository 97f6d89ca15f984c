"""Tasks that depend on each other, each begun as soon as its predecessors are done. Knows nothing of systems."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from generator.base.errors import ExitCode, NewserviceError, SystemFailure
from generator.base.stopping import held

Status = Literal["done", "unchanged", "failed", "skipped"]

GRACE_SECONDS = 5.0
"""How long an interrupted run waits for what is under way."""


@dataclass(frozen=True)
class StepResult:
    """What became of one step."""

    id: str
    status: Status
    elapsed_ms: int
    summary: str


@dataclass(frozen=True)
class Task:
    """Something to do: ``take`` gives a status and a summary, or raises. ``after`` names the tasks that come first."""

    id: str
    after: tuple[str, ...]
    take: Callable[[], tuple[Status, str]]


@dataclass(frozen=True)
class _Ended:
    result: StepResult
    failure: BaseException | None = None


def carry_out_tasks(
    tasks: Sequence[Task],
    report: Callable[[StepResult], None],
    stop: Callable[[], None],
    begun: Callable[[str], None] = lambda _: None,
) -> tuple[list[StepResult], BaseException | None, bool]:
    """Carry out all tasks; their results, the first failure, and whether a person interrupted.

    After a failure nothing new is begun, and what is under way is finished. ``stop`` ends all waiting of the
    tasks; it is called on an interruption. ``begun`` receives the id of each task that begins. It and ``report`` are
    called by the caller's own thread only.
    """
    schedule = _Schedule(tasks, report, begun)
    interrupted = False
    try:
        while schedule.begin():
            name = schedule.ended.get()
            with held():
                schedule.end(name)
    except KeyboardInterrupt:
        interrupted = True
        stop()
        schedule.wait_a_little()
    with held():
        schedule.tell_the_rest()
    return schedule.results, schedule.failure, interrupted


class _Schedule:
    """What is waiting, running and done."""

    def __init__(
        self, tasks: Sequence[Task], report: Callable[[StepResult], None], begun: Callable[[str], None]
    ) -> None:
        self._tasks = tasks
        self._report = report
        self._tell_begun = begun
        self._begun: set[str] = set()
        self.results: list[StepResult] = []
        self.failure: BaseException | None = None
        self.ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._ends: dict[str, _Ended] = {}

    @property
    def _through(self) -> set[str]:
        return {result.id for result in self.results}

    @property
    def running(self) -> set[str]:
        """Tasks that are under way."""
        return self._begun - self._through

    def begin(self) -> bool:
        """Begin every task whose predecessors are done; returns whether any is under way."""
        if self.failure is None:
            pending = {task.id for task in self._tasks} - self._through
            for task in self._tasks:
                if task.id not in self._begun and not pending.intersection(task.after):
                    with held():
                        self._begun.add(task.id)
                        self._tell_begun(task.id)
                        # A daemon: a run that was interrupted ends although a system keeps a task waiting.
                        threading.Thread(target=self._take, args=(task,), name=task.id, daemon=True).start()
        return bool(self.running)

    def end(self, name: str, *, interrupted: bool = False) -> None:
        """A task has ended; after an interruption, perhaps by it."""
        end = _cut_off(self._ends[name]) if interrupted else self._ends[name]
        if end.failure and _weight(end.failure) > _weight(self.failure):
            self.failure = end.failure
        self._note(end.result)

    def wait_a_little(self) -> None:
        """After an interruption: what still ends within the grace period is recorded. A second one ends the waiting."""
        deadline = time.monotonic() + GRACE_SECONDS
        try:
            while any(name not in self._ends for name in self.running):
                name = self.ended.get(timeout=max(deadline - time.monotonic(), 0))
                with held():
                    self.end(name, interrupted=True)
        except (queue.Empty, KeyboardInterrupt):
            return

    def tell_the_rest(self) -> None:
        """Report what ended without being reported, what was cut off, and what was not reached."""
        running, through = self.running, self._through
        for task in self._tasks:
            if task.id in through:
                continue
            if task.id in self._ends:
                self.end(task.id, interrupted=True)
            elif task.id in running:
                self._note(StepResult(task.id, "failed", 0, "interrupted"))
            else:
                self._note(StepResult(task.id, "skipped", 0, "not reached"))

    def _take(self, task: Task) -> None:
        self._ends[task.id] = _taken(task)
        self.ended.put(task.id)

    def _note(self, result: StepResult) -> None:
        self.results.append(result)
        self._report(result)


def _cut_off(end: _Ended) -> _Ended:
    """The end of a task after an interruption, which also explains a system's failure: our programs stop too."""
    if not isinstance(end.failure, SystemFailure):
        return end
    failure = SystemFailure("run.interrupted", f"{end.result.id}: interrupted", "the same command again continues")
    return _Ended(replace(end.result, summary="interrupted"), failure)


def _weight(failure: BaseException | None) -> int:
    """How much a failure matters: a fault of ours most, then a refusal, then a system's; among equals the first."""
    if failure is None:
        return 0
    if not isinstance(failure, NewserviceError) or failure.exit_code is ExitCode.INTERNAL:
        return 3
    return 2 if failure.exit_code is ExitCode.REFUSED else 1


def _taken(task: Task) -> _Ended:
    started = time.monotonic()
    failure: BaseException | None = None
    status: Status
    try:
        status, summary = task.take()
    except NewserviceError as error:
        failure, status, summary = error, "failed", error.message
    except BaseException as error:  # noqa: BLE001 - what was done so far is reported even after a fault of ours
        failure, status, summary = error, "failed", f"{type(error).__name__} in newservice itself"
    return _Ended(StepResult(task.id, status, round((time.monotonic() - started) * 1000), summary), failure)
