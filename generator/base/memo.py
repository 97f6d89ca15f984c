"""What was seen in one pass: each thing once, also when several ask for it at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

Seen = TypeVar("Seen")


class Looks:
    """Remembers what each look gave: whoever asks for the same thing is given the same.

    ``failures``: a look that failed is remembered as well, and not tried again.
    """

    def __init__(self, *, failures: bool = True) -> None:
        self._failures = failures
        self._lock = threading.Lock()
        self._seen: dict[Hashable, Future[Any]] = {}

    def look(self, what: Hashable, how: Callable[[], Seen]) -> Seen:
        """What ``how`` gives, or gave when it was asked for ``what`` before. Raises what ``how`` raised."""
        with self._lock:
            known = self._seen.get(what)
            future: Future[Any] = known or Future()
            self._seen[what] = future
        if known is None:
            try:
                future.set_result(how())
            except BaseException as error:
                future.set_exception(error)
                if not self._failures:
                    with self._lock:
                        del self._seen[what]
                raise
        return future.result()  # type: ignore[no-any-return]


def together(*looks: Callable[[], Seen]) -> list[Seen]:
    """What several looks give, all under way at the same time.

    Raises the first failure, in the order given, when all are through. An interruption does not wait for them.
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
