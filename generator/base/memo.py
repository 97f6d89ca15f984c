"""Memoizes what one pass observes: each thing once, even when several callers ask for it at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from generator.base.errors import NewserviceError

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class _Look:
    """A look, under way or done. ``began``: seconds of the monotonic clock."""

    future: Future[Any] = field(default_factory=Future)
    began: float = field(default_factory=time.monotonic)


class _Common:
    """The newest look at each thing, whichever pass began it. One that failed is not kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[Hashable, _Look] = {}

    def begin(self, what: Hashable, since: float) -> tuple[_Look, bool]:
        """A look that began ``since`` or later; and whether it is a new one, for the caller to carry out."""
        with self._lock:
            found = self._newest.get(what)
            if found is not None and found.began >= since:
                return found, False
            look = self._newest[what] = _Look()
            return look, True

    def forget(self, what: Hashable, look: _Look) -> None:
        with self._lock:
            if self._newest.get(what) is look:
                del self._newest[what]


class Memo:
    """Memoizes observations: every caller that asks for the same thing gets the same result.

    ``failures``: a look that failed is remembered as well, and not tried again. ``since`` is when this pass began:
    nothing in it was looked at earlier.
    """

    def __init__(self, *, failures: bool = True) -> None:
        self.since = time.monotonic()
        self._failures = failures
        self._lock = threading.Lock()
        self._seen: dict[Hashable, _Look] = {}
        self._common = _Common()

    def later(self, since: float | None = None) -> Memo:
        """Another pass, which begins ``since`` (seconds of the monotonic clock), or now.

        Passes share what they look at: a look of another pass counts if it began in this one's time.
        """
        found = Memo(failures=self._failures)
        found._common = self._common
        found.since = found.since if since is None else since
        return found

    def look(self, what: Hashable, how: Callable[[], Seen]) -> Seen:
        """What ``how`` gives, or gave when it was asked for ``what`` before. Raises what ``how`` raised."""
        ours = False
        with self._lock:
            look = self._seen.get(what)
            if look is None:
                look, ours = self._common.begin(what, self.since)
                self._seen[what] = look
        if ours:
            try:
                look.future.set_result(how())
            except BaseException as error:  # noqa: BLE001 - it is raised below, and wherever else it is asked for
                self._common.forget(what, look)
                look.future.set_exception(error)
        try:
            return look.future.result()  # type: ignore[no-any-return]
        except BaseException:
            if not self._failures:
                with self._lock:
                    if self._seen.get(what) is look:
                        del self._seen[what]
            raise


def quietly(look: Callable[[], object]) -> Callable[[], None]:
    """A look in parallel with others: the caller that needs its result looks as well, and gets its failure."""

    def looking() -> None:
        with suppress(NewserviceError):
            look()

    return looking


def run_parallel(*looks: Callable[[], Seen]) -> list[Seen]:
    """Call each function in a thread of its own; returns their results in the order given.

    Raises the first failure, in that order, once all have ended. An interruption does not wait for them.
    """
    futures: list[Future[Seen]] = []
    for look in looks:
        future: Future[Seen] = Future()
        futures.append(future)
        threading.Thread(target=_settle, args=(future, look), daemon=True).start()
    wait(futures)
    return [future.result() for future in futures]


def _settle(future: Future[Seen], look: Callable[[], Seen]) -> None:
    try:
        future.set_result(look())
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
        future.set_exception(error)
