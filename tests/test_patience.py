from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate

import pytest

from generator.base.errors import PreflightError, SystemFailure
from generator.clients.patience import Patience
from generator.clients.transport import wait_asked

QUICK = Patience(attempts=4, first=0, longest=2)


def failing(*errors: Exception) -> tuple[list[int], Callable[[], str]]:
    """Something that fails in these ways, one after the other, and then succeeds; and how often it was tried."""
    tried: list[int] = []
    left: Iterator[Exception] = iter(errors)

    def attempt() -> str:
        tried.append(1)
        error = next(left, None)
        if error is not None:
            raise error
        return "through"

    return tried, attempt


def passing(*, undone: bool = False, after: float = 0) -> SystemFailure:
    return SystemFailure("forgejo.failed", "it failed", passing=True, undone=undone, after=after)


def test_what_heals_is_tried_again() -> None:
    tried, attempt = failing(passing(), passing(), passing())
    assert QUICK(attempt, repeatable=True) == "through"
    assert len(tried) == 4


def test_the_attempts_are_bounded_and_the_last_failure_is_reported() -> None:
    last = passing()
    tried, attempt = failing(passing(), passing(), passing(), last, passing())
    with pytest.raises(SystemFailure) as caught:
        QUICK(attempt, repeatable=True)
    assert caught.value is last
    assert len(tried) == 4


@pytest.mark.parametrize(
    "error",
    [
        SystemFailure("forgejo.failed", "it will not heal"),
        PreflightError("forgejo.unauthorized", "the token is wrong"),
        passing(after=3),  # longer than there is patience for
        ValueError("a fault of ours"),
    ],
)
def test_what_does_not_heal_is_not_tried_again(error: Exception) -> None:
    tried, attempt = failing(error)
    with pytest.raises(type(error)):
        QUICK(attempt, repeatable=True)
    assert len(tried) == 1


def test_a_change_is_sent_again_only_where_it_surely_was_not_made() -> None:
    tried, attempt = failing(passing(undone=True), passing())
    with pytest.raises(SystemFailure):
        QUICK(attempt, repeatable=False)
    assert len(tried) == 2


def test_a_system_is_given_the_time_that_it_asks_for() -> None:
    _, attempt = failing(passing(after=0.2))
    started = time.monotonic()
    QUICK(attempt, repeatable=True)
    assert time.monotonic() - started >= 0.2


def test_a_long_pause_is_reported() -> None:
    completed: list[str] = []
    stopped = threading.Event()

    def hear(text: str) -> None:
        completed.append(text)
        stopped.set()

    patience = Patience(attempts=2, first=0, longest=60, stopped=stopped, report=hear)
    _, attempt = failing(passing(after=42))
    with pytest.raises(SystemFailure):
        patience(attempt, repeatable=True)
    assert completed == ["it failed; trying again in 42 s"]


def test_nothing_is_sent_after_a_stop() -> None:
    patience = Patience(attempts=4, first=30, longest=60)
    tried, attempt = failing(passing(), passing())
    failed: list[SystemFailure] = []

    def run() -> None:
        try:
            patience(attempt, repeatable=True)
        except SystemFailure as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not tried:
        pass
    patience.stopped.set()
    thread.join(10)
    assert len(failed) == len(tried) == 1


def test_polling_ends_with_the_condition_or_the_time() -> None:
    seen = iter([False, False, True])
    assert QUICK.until(lambda: next(seen), seconds=30)
    assert not QUICK.until(lambda: False, seconds=0)


def test_retry_after_is_read_in_both_of_its_forms() -> None:
    assert wait_asked({"retry-after": "7"}) == 7
    assert wait_asked({}) == 0
    assert wait_asked({"retry-after": "soon"}) == 0
    assert wait_asked({"retry-after": formatdate(time.time() - 60, usegmt=True)}) == 0
    assert 55 < wait_asked({"retry-after": formatdate(time.time() + 60, usegmt=True)}) <= 60


def test_what_was_waited_for_is_not_waited_for_again_further_up() -> None:
    tried, attempt = failing(*(passing() for _ in range(30)))
    with pytest.raises(SystemFailure):
        QUICK(lambda: QUICK(attempt, repeatable=True), repeatable=True)
    assert len(tried) == 4

    tried, attempt = failing(*(passing() for _ in range(30)))  # a change is tried once each time its step looks anew
    with pytest.raises(SystemFailure):
        QUICK(lambda: QUICK(attempt, repeatable=False), repeatable=True)
    assert len(tried) == 4
