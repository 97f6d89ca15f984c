"""Observations that are made while what comes before them is still being confirmed.

What is looked at after a write has ended shows its effect, whoever looks. So the next piece of work is observed at the
same time as the effect of the one before it. It still acts only when that effect was seen, and only on an observation
that ended a moment ago.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Observation = TypeVar("Observation")

FRESH_SECONDS = 1.0
"""The maximum age of an observation that is acted on, counted from its end."""


class LookAhead(Generic[Observation]):
    """Observations by the id of the work that they are for.

    ``after``: the ids of what comes before each work. ``observe``: how a work is observed, given the moment since which
    a look counts; work that is not named there is never observed ahead. Several threads may use it at the same time.
    """

    def __init__(
        self, after: Mapping[str, tuple[str, ...]], observe: Mapping[str, Callable[[float], Observation]]
    ) -> None:
        self._after = {work: tuple(other for other in others if other in after) for work, others in after.items()}
        self._observe = observe
        self._lock = threading.Lock()
        self._moments: dict[str, float] = {}
        self._begun: dict[str, Future[tuple[Observation, float]]] = {}

    def begin(self) -> None:
        """Observe all work without predecessors, and return when that is done."""
        now = time.monotonic()
        with self._lock:
            begun = [self._begin(work, now) for work, others in self._after.items() if not others]
        wait(future for future in begun if future is not None)

    def through(self, work: str, since: float) -> None:
        """Nothing more is written for ``work``: what is looked at ``since`` then shows what became of it."""
        with self._lock:
            self._moments[work] = since
            for later, others in self._after.items():
                if work in others and all(other in self._moments for other in others):
                    moments = [self._moments[other] for other in others]
                    self._begin(later, max(*moments, time.monotonic() - FRESH_SECONDS))

    def unsettled(self, work: str) -> None:
        """A look did not show the effect of ``work``: what was observed at that time does not count."""
        with self._lock:
            self._moments.pop(work, None)
            for later, others in self._after.items():
                if work in others:
                    self._begun.pop(later, None)

    def take(self, work: str) -> Observation | None:
        """The observation of ``work``, once; None where it does not exist, failed, or is no longer fresh."""
        with self._lock:
            future = self._begun.pop(work, None)
        if future is None or future.exception() is not None:
            return None
        observation, ended = future.result()
        return observation if time.monotonic() - ended < FRESH_SECONDS else None

    def wait(self) -> None:
        """Return when no observation is under way any more."""
        with self._lock:
            begun = list(self._begun.values())
        wait(begun)

    def _begin(self, work: str, since: float) -> Future[tuple[Observation, float]] | None:
        if work not in self._observe:
            return None
        future: Future[tuple[Observation, float]] = Future()
        self._begun[work] = future
        threading.Thread(target=self._look, args=(work, since, future), name=f"{work} ahead", daemon=True).start()
        return future

    def _look(self, work: str, since: float, future: Future[tuple[Observation, float]]) -> None:
        try:
            future.set_result((self._observe[work](since), time.monotonic()))
        except BaseException as error:  # noqa: BLE001 - the work is observed again, and that failure counts
            future.set_exception(error)
