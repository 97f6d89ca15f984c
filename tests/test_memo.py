from __future__ import annotations

import threading
import time

import pytest

from generator.base.memo import Memo, run_parallel


def test_several_ask_at_once_and_one_looks() -> None:
    looks, asked, began = Memo(), [], threading.Barrier(4)
    release = threading.Event()

    def slow() -> str:
        asked.append(1)
        release.wait(10)
        return "seen"

    def ask() -> str:
        began.wait(10)
        return looks.look("it", slow)

    def let_go() -> str:
        began.wait(10)
        release.set()
        return ""

    assert run_parallel(ask, ask, ask, let_go)[:3] == ["seen"] * 3
    assert len(asked) == 1


@pytest.mark.parametrize(("failures", "times"), [(True, 1), (False, 2)])
def test_a_failure_is_kept_where_that_is_asked_for(failures: bool, times: int) -> None:
    looks, asked = Memo(failures=failures), []

    def fail() -> None:
        asked.append(1)
        raise LookupError("not there")

    for _ in range(2):
        with pytest.raises(LookupError):
            looks.look("it", fail)
    assert len(asked) == times


def test_looks_are_under_way_at_the_same_time() -> None:
    meet = threading.Barrier(3)
    assert run_parallel(*(lambda: meet.wait(10),) * 3) in (
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    )


def test_the_first_failure_in_order_is_raised_when_all_are_through() -> None:
    ended = []

    def fail(error: Exception) -> None:
        ended.append(error)
        raise error

    with pytest.raises(KeyError):
        run_parallel(lambda: None, lambda: fail(KeyError()), lambda: fail(ValueError()))
    assert len(ended) == 2


def test_a_later_pass_takes_what_another_has_looked_at_in_its_time() -> None:
    looks, asked = Memo(), list[str]()

    def look(name: str) -> str:
        asked.append(name)
        return name

    first = looks.later()
    assert first.look("it", lambda: look("first")) == "first"
    assert looks.later(first.since).look("it", lambda: look("second")) == "first"
    assert looks.later().look("it", lambda: look("third")) == "third"
    assert first.look("it", lambda: look("fourth")) == "first"  # a pass sees one thing once
    assert asked == ["first", "third"]


def test_a_failed_look_of_another_pass_is_tried_again() -> None:
    looks, moment = Memo(), time.monotonic()

    def fail() -> str:
        raise LookupError("not there")

    with pytest.raises(LookupError):
        looks.later(moment).look("it", fail)
    assert looks.later(moment).look("it", lambda: "seen") == "seen"
