"""Runs a function for many items on several cores, in processes that end by themselves."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

from generator.base.children import ENDING_SECONDS
from generator.base.stopping import detach, held, unsignalled

Given = TypeVar("Given")
Made = TypeVar("Made")


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def mapped(work: Callable[[Given], Made], things: Sequence[Given], jobs: int, fewest: int) -> list[Made]:
    """The result of ``work`` for each thing, in order; ``work`` must not raise. One more process is used for every
    ``fewest`` things.

    The first is done here, so that what all share is already in memory when the processes fork. They get all of their
    work at once and return it when they are done: none waits for a parent that was killed. In a process that has
    threads everything is done here, because a fork would copy their locks.
    """
    count = min(jobs, len(things) // fewest + 1)
    if count < 2 or "fork" not in multiprocessing.get_all_start_methods() or threading.active_count() > 1:
        return [work(thing) for thing in things]
    first, rest = work(things[0]), things[1:]
    shares = _shared(work, [rest[number::count] for number in range(count)])
    return [first, *(shares[number % count][number // count] for number in range(len(rest)))]


def _shared(work: Callable[[Given], Made], shares: Sequence[Sequence[Given]]) -> list[list[Made]]:
    """Each share's results: the last share is done here, the others by one process each."""
    context = multiprocessing.get_context("fork")
    running: list[tuple[BaseProcess, Connection]] = []
    through = False
    try:
        for share in shares[:-1]:
            ours, theirs = context.Pipe(duplex=False)
            # A writer notices that its reader is gone only once every copy of the reading end is closed.
            not_theirs = [*(other for _, other in running), ours]
            process: BaseProcess = context.Process(target=_work, args=(work, share, theirs, not_theirs), daemon=True)
            with held(), unsignalled():
                process.start()
                running.append((process, ours))
            theirs.close()
        here = [work(thing) for thing in shares[-1]]
        there = [_received(ours, work, share) for (_, ours), share in zip(running, shares, strict=False)]
        through = True
    finally:
        _end(running, asked=not through)
    return [*there, here]


def _end(running: Sequence[tuple[BaseProcess, Connection]], *, asked: bool) -> None:
    """Wait for the processes to end; terminate them if ``asked`` to, when their results are no longer wanted."""
    for process, ours in running:
        ours.close()
        if asked:
            process.terminate()
    deadline = time.monotonic() + ENDING_SECONDS
    try:
        for process, _ in running:
            process.join(max(deadline - time.monotonic(), 0) if asked else None)
    finally:
        for process, _ in running:
            if process.is_alive():
                process.kill()
                process.join()


def _received(ours: Connection, work: Callable[[Given], Made], share: Sequence[Given]) -> list[Made]:
    try:
        made: list[Made] = ours.recv()
    except (EOFError, OSError):  # killed, or out of memory: only its own share is done again
        made = [work(thing) for thing in share]
    return made


def _work(
    work: Callable[[Given], Made], share: Sequence[Given], results: Connection, not_ours: Sequence[Connection]
) -> None:
    try:
        detach()
        for other in not_ours:
            other.close()
        results.send([work(thing) for thing in share])
    except (BrokenPipeError, KeyboardInterrupt):
        pass  # the parent is gone; a normal end removes scratch folders
    finally:
        results.close()
