"""Programmable failures: answers that a real system gives on a bad day."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from enum import Enum

from generator.sandbox.messages import Response, html_response

ANY = "*"


class FaultKind(Enum):
    """Failures that are not an ordinary error answer."""

    RESET_BEFORE = "reset before acting"
    RESET_AFTER = "reset after acting"
    HTML_200 = "html200"
    HOLD = "hold"


@dataclass(frozen=True)
class Status:
    """An error answer instead of acting: a status and a body."""

    code: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"


@dataclass
class Fault:
    """One programmed failure and how often it still happens."""

    system: str
    method: str
    path: re.Pattern[str]
    times: int
    kind: FaultKind | Status

    def fits(self, system: str, method: str, path: str) -> bool:
        """Whether it is meant for this request and not used up."""
        return (
            self.times > 0
            and self.system in (ANY, system)
            and self.method in (ANY, method)
            and self.path.search(path) is not None
        )

    def answer(self) -> Response | None:
        """The answer given instead of acting; None when the fault acts first or holds."""
        if isinstance(self.kind, Status):
            return Response(self.kind.code, self.kind.body.encode(), self.kind.content_type)
        if self.kind is FaultKind.RESET_BEFORE:
            return Response(0, reset=True)
        if self.kind is FaultKind.HTML_200:
            return html_response()
        return None


class Faults:
    """The programmed failures, first added first used."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, system: str, method: str, path_regex: str, times: int, kind: FaultKind | Status | str) -> None:
        """Let the next ``times`` fitting requests fail; ``*`` fits any system or method.

        ``kind`` is a :class:`FaultKind` (or its text) or a :class:`Status`.
        """
        chosen = FaultKind(kind) if isinstance(kind, str) else kind
        with self._lock:
            self._faults.append(Fault(system, method, re.compile(path_regex), times, chosen))

    def take(self, system: str, method: str, path: str) -> Fault | None:
        """Use up and return the fault for a request, if there is one."""
        with self._lock:
            for fault in self._faults:
                if fault.fits(system, method, path):
                    fault.times -= 1
                    return fault
        return None

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._faults.clear()
