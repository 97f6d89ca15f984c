from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from generator.base import parallel as schedule
from generator.base.errors import SystemFailure
from generator.base.parallel import Status, StepResult, Task, carry_out_tasks

Taken = tuple[Status, str]


def done() -> Taken:
    return "done", "made"


def carried_out(*tasks: Task) -> tuple[dict[str, str], BaseException | None, list[str]]:
    completed: list[str] = []
    results, failure, interrupted = carry_out_tasks(
        tasks, lambda result: completed.append(result.id), stop=lambda: None
    )
    assert not interrupted
    return {result.id: result.status for result in results}, failure, completed


def test_what_does_not_need_another_is_begun_at_once() -> None:
    meet = threading.Barrier(3)

    def take() -> Taken:
        meet.wait(10)
        return "done", ""

    statuses, failure, _ = carried_out(*(Task(name, (), take) for name in "abc"))
    assert statuses == {"a": "done", "b": "done", "c": "done"}
    assert failure is None


def test_what_needs_another_waits_for_it_and_one_that_is_not_there_is_not_waited_for() -> None:
    order: list[str] = []

    def taking(name: str) -> Callable[[], Taken]:
        def take() -> Taken:
            order.append(name)
            return "done", ""

        return take

    tasks = [Task("c", ("b", "nobody"), taking("c")), Task("b", ("a",), taking("b")), Task("a", (), taking("a"))]
    _, _, completed = carried_out(*tasks)
    assert order == completed == ["a", "b", "c"]


def test_after_a_failure_nothing_is_begun_and_what_is_under_way_ends() -> None:
    failed = threading.Event()

    def fail() -> Taken:
        failed.set()
        raise SystemFailure("forgejo.failed", "it failed")

    def slow() -> Taken:
        failed.wait(10)
        return done()

    statuses, failure, _ = carried_out(Task("fails", (), fail), Task("slow", (), slow), Task("later", ("slow",), done))
    assert statuses["fails"] == "failed"
    assert statuses["slow"] == "done"
    assert isinstance(failure, SystemFailure)
    # What ended first decides whether the later one was begun: it needs the slow one alone.
    assert statuses["later"] in ("skipped", "done")
    assert carried_out(Task("fails", (), fail), Task("later", ("fails",), done))[0]["later"] == "skipped"


def test_a_fault_of_ours_is_reported_as_one() -> None:
    def broken() -> Taken:
        raise ZeroDivisionError

    results, failure, _ = carry_out_tasks([Task("a", (), broken)], lambda _: None, stop=lambda: None)
    assert results[0].summary == "ZeroDivisionError in newservice itself"
    assert isinstance(failure, ZeroDivisionError)


def test_an_interruption_ends_the_waiting_and_tells_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "GRACE_SECONDS", 0.01)
    stopped, held = threading.Event(), threading.Event()

    def report(result: StepResult) -> None:
        if result.id == "first":
            raise KeyboardInterrupt

    def polite() -> Taken:
        stopped.wait(10)
        return done()

    def deaf() -> Taken:
        held.wait(10)
        return done()

    tasks = [Task("first", (), done), Task("deaf", (), deaf), Task("next", ("deaf",), done)]
    results, _, interrupted = carry_out_tasks(tasks, report, stop=stopped.set)
    held.set()
    assert interrupted
    assert stopped.is_set()
    assert {result.id: (result.status, result.summary) for result in results} == {
        "first": ("done", "made"),
        "deaf": ("failed", "interrupted"),
        "next": ("skipped", "not reached"),
    }

    monkeypatch.setattr(schedule, "GRACE_SECONDS", 10)
    stopped.clear()

    def cut_off() -> Taken:
        stopped.wait(10)
        raise SystemFailure("git.failed", "git push failed: status -2", "mend it")

    results, failure, _ = carry_out_tasks([Task("first", (), done), Task("push", (), cut_off)], report, stopped.set)
    assert results[-1].summary == "interrupted"
    assert isinstance(failure, SystemFailure)
    assert failure.code == "run.interrupted"  # a program that the same Ctrl-C stopped is no fault of a system

    stopped.clear()
    tasks = [Task("first", (), done), Task("polite", (), polite), Task("next", ("polite",), done)]
    results, _, _ = carry_out_tasks(tasks, report, stop=stopped.set)
    assert {result.id: result.status for result in results} == {"first": "done", "polite": "done", "next": "skipped"}


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), KeyboardInterrupt()])
def test_a_task_that_ends_its_thread_ends_the_run_with_it(error: BaseException) -> None:
    """Python says nothing of a thread that exits; the run would wait for it for ever."""

    def leave() -> Taken:
        raise error

    results, failure, interrupted = carry_out_tasks([Task("a", (), leave)], lambda _: None, stop=lambda: None)
    assert (results[0].status, failure, interrupted) == ("failed", error, False)


def test_nothing_that_was_done_is_lost_between_two_interruptions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one ends the waiting while something has just been done: it is reported as done."""
    monkeypatch.setattr(schedule, "GRACE_SECONDS", 30)
    done_now, stopped = threading.Event(), threading.Event()

    def report(result: StepResult) -> None:
        if result.id == "first":
            raise KeyboardInterrupt
        if result.id == "second":
            done_now.wait(10)
            raise KeyboardInterrupt

    def second() -> Taken:
        stopped.wait(10)
        return done()

    def third() -> Taken:
        stopped.wait(10)
        threading.Timer(0.1, done_now.set).start()
        return done()

    tasks = [Task("first", (), done), Task("second", (), second), Task("third", (), third)]
    results, _, interrupted = carry_out_tasks(tasks, report, stop=stopped.set)
    assert interrupted
    assert [result.status for result in results if result.id == "third"] == ["done"]
