"""A stop that is asked for from outside: what waits in a command hears of it at once.

On a command line a signal ends every wait by itself. A server carries its commands out in threads, and no signal
reaches those.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ASKED: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


@contextmanager
def stopped_by(event: threading.Event) -> Iterator[None]:
    """Within it this thread's command is to stop as soon as ``event`` is set."""
    token = _ASKED.set(event)
    try:
        yield
    finally:
        _ASKED.reset(token)


def stop_event() -> threading.Event:
    """What is set when this thread's command is to stop; one that nobody sets where nobody can ask."""
    asked = _ASKED.get()
    return threading.Event() if asked is None else asked


def pause(seconds: float) -> None:
    """Do nothing for a while. Raises ``KeyboardInterrupt``, as a signal would, when the command is to stop."""
    if stop_event().wait(seconds):
        raise KeyboardInterrupt
