"""A stop that is requested from outside: whatever waits in a command notices it at once.

On a command line a signal ends every wait by itself: it raises ``KeyboardInterrupt`` in the main thread. A server
carries its commands out in threads, and no signal reaches those.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType

from generator.base.errors import ExitCode

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What interrupts a command: Ctrl-C, a polite request to end, and a terminal that was closed."""

STUCK_SECONDS = 2.0
"""An interrupted command whose final output nobody reads for this long ends at the next signal."""

APART_SECONDS = 0.5
"""Signals that follow each other faster are one: a key that is held down must not cut short what the first one ends."""

_ASKED: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


class Interrupted(KeyboardInterrupt):
    """An interruption by a signal.

    A class of its own: Python ends a process by SIGINT, whatever its exit code, once a plain ``KeyboardInterrupt`` has
    passed through an ``exec``, and that is how dataclasses are made.
    """


class Terminated(Interrupted):
    """An interruption that does not come from a person at the terminal, who could answer questions about it."""


@dataclass
class _Interruptions:
    """What the signal handler knows; the main thread's alone. ``over``: whether the final output is being written."""

    over: Callable[[], bool] = lambda: False
    held: int = 0
    waiting: KeyboardInterrupt | None = None
    last: float = -math.inf
    ignored_since: float = 0.0


_interruptions = _Interruptions()


@contextmanager
def stopped_by(event: threading.Event) -> Iterator[None]:
    """Within it this thread's command is to stop as soon as ``event`` is set."""
    token = _ASKED.set(event)
    try:
        yield
    finally:
        _ASKED.reset(token)


def stop_event() -> threading.Event:
    """What is set when this thread's command is to stop; one that is never set where no stop can be requested."""
    asked = _ASKED.get()
    return threading.Event() if asked is None else asked


def pause(seconds: float) -> None:
    """Do nothing for a while. Raises ``KeyboardInterrupt``, as a signal would, when the command is to stop."""
    if stop_event().wait(seconds):
        raise KeyboardInterrupt


def interrupt_on_signals(over: Callable[[], bool]) -> None:
    """Let signals raise ``KeyboardInterrupt`` in the main thread, until ``over`` says that the command is ending.

    From then on they are ignored, so that the final output is complete; but a process that can't write it, because
    nobody reads, ends nevertheless. A signal that this process was started to ignore (``nohup``) stays ignored.
    """
    _interruptions.over = over
    for number in heard_signals():
        signal.signal(number, _interrupt)


def ignore_signals() -> None:
    """Let nothing change the exit code any more: while Python ends itself, a signal would end it by force."""
    for number in heard_signals():
        signal.signal(number, signal.SIG_IGN)


def heard_signals() -> list[signal.Signals]:
    """The signals that interrupt this process: those that it was not started to ignore."""
    return [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGTERM]


@contextmanager
def held() -> Iterator[None]:
    """Let a signal wait for the end of what must not be cut in two; a second one does not wait.

    Raises ``KeyboardInterrupt`` at the end where one came. In a thread nothing is held: no signal is raised there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _interruptions.held += 1
    try:
        yield
    finally:
        _interruptions.held -= 1
        if _interruptions.waiting and not _interruptions.held:
            came, _interruptions.waiting = _interruptions.waiting, None
            raise came


@contextmanager
def unsignalled() -> Iterator[None]:
    """Let signals wait, here and in a process that is forked within it, until that calls ``detach``."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def detach() -> None:
    """Let a forked process be interrupted by its parent alone (SIGTERM), and by nothing on the terminal."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupt_on_signals(lambda: False)
    _interruptions.held, _interruptions.waiting, _interruptions.last = 0, None, -math.inf
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    if _interruptions.over():
        _interruptions.ignored_since = _interruptions.ignored_since or now
        if now - _interruptions.ignored_since > STUCK_SECONDS:
            os._exit(int(ExitCode.INTERRUPTED))
        return
    if now - _interruptions.last < APART_SECONDS:
        return
    _interruptions.last = now
    came = Interrupted() if number == signal.SIGINT else Terminated()
    if _interruptions.held and not _interruptions.waiting:
        _interruptions.waiting = came
        return
    _interruptions.waiting = None
    raise came
