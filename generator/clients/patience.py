"""Retries: how often and how long comes from the profile; what may be repeated is decided here.

Only requests without effect are repeated as they are: reads, and writes that the system certainly did not carry out. A
write with an unknown outcome is never repeated blindly: its step observes the current state first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from generator.base.errors import SystemFailure
from generator.base.lazy_import import lazily
from generator.base.stopping import stop_event
from generator.platform.profile import Platform

if TYPE_CHECKING:
    import tenacity
else:
    tenacity = lazily("tenacity")

Given = TypeVar("Given")

_LONGEST_IN_ALL = 300.0
"""Seconds after which no further attempt is made, however many are left."""

_WORTH_TELLING = 5.0
"""Pauses of at least this many seconds are reported."""


@dataclass(frozen=True)
class Patience:
    """How often something is tried, and how long to wait in between.

    ``first`` and ``longest`` are seconds; pauses double, with jitter, so that runs which failed together don't retry
    together. ``stopped`` ends all waiting; ``report`` is called with a message before long pauses.
    """

    attempts: int
    first: float
    longest: float
    stopped: threading.Event = field(default_factory=threading.Event)
    report: Callable[[str], None] = lambda _: None

    @classmethod
    def of(cls, platform: Platform, report: Callable[[str], None] = lambda _: None) -> Patience:
        """The profile's retries, which end with the command that this thread carries out."""
        retry = platform.connection.retry
        return cls(retry.attempts, retry.first_seconds, retry.longest_seconds, stop_event(), report)

    def __call__(self, what: Callable[[], Given], *, repeatable: bool) -> Given:
        """The result of ``what``. ``repeatable``: it changes nothing, or observes the state before it does.

        Raises the last failure when the attempts are used up, when it is permanent, or when it asks for a longer pause
        than allowed.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: self._again(error, repeatable=repeatable)),
            stop=tenacity.stop_any(
                tenacity.stop_after_attempt(self.attempts), tenacity.stop_after_delay(_LONGEST_IN_ALL)
            ),
            wait=self._pause,
            sleep=tenacity.sleep_using_event(self.stopped),
            before_sleep=self._tell,
            reraise=True,
        )
        failures: list[SystemFailure] = []

        def once() -> Given:
            if self.stopped.is_set() and failures:  # nothing is sent after a stop
                raise failures[-1]
            try:
                return what()
            except SystemFailure as error:
                failures.append(error)
                if len(failures) > 1:  # not retried again further up
                    error.passing &= len(failures) < self.attempts
                raise

        return retrying(once)

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Poll until ``condition`` holds; returns whether it did within ``seconds``. For read-after-write delays."""
        deadline, pause = time.monotonic() + seconds, min(self.first, 0.1)
        while not condition():
            if time.monotonic() >= deadline or self.stopped.wait(pause):
                return False
            pause = min(pause * 2, self.first)
        return True

    def _again(self, error: BaseException, *, repeatable: bool) -> bool:
        if not isinstance(error, SystemFailure) or self.stopped.is_set():
            return False
        return error.passing and (repeatable or error.undone) and error.after <= self.longest

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.after if isinstance(error, SystemFailure) else 0
        jittered = tenacity.wait_exponential_jitter(multiplier=self.first, max=self.longest, jitter=self.first)(state)
        return max(asked, jittered) if asked else jittered

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if state.upcoming_sleep >= _WORTH_TELLING and isinstance(error, SystemFailure):
            self.report(f"{error.message}; trying again in {state.upcoming_sleep:.0f} s")


class Pace:
    """Lets callers through one by one, ``seconds`` apart."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Block until it is this caller's turn."""
        with self._lock:
            pause = self._next - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            self._next = time.monotonic() + self._seconds
