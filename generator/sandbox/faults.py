"""Programmable failures, as real systems and the network in front of them have them on a bad day."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from generator.sandbox import refusals
from generator.sandbox.messages import Request, Response, html_response

ANY = "*"


class FaultKind(Enum):
    """What happens instead of, before or after the ordinary answer."""

    REFUSED = "refused connection"
    TLS_FAILURE = "tls failure"
    WRONG_AUTHORITY = "certificate of another authority"
    WRONG_NAME = "certificate of another name"
    RESET_BEFORE = "reset before acting"
    RESET_AFTER = "reset after acting"
    TIMEOUT_BEFORE = "timeout before acting"
    TIMEOUT_AFTER = "timeout after acting"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    TOO_MANY = "429"
    SECONDARY_LIMIT = "secondary limit"
    PRIMARY_LIMIT = "primary limit"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    MALFORMED = "malformed json"
    HTML_200 = "html200"
    HOLD = "hold"
    HOLD_AFTER = "hold after acting"


HANDSHAKE_KINDS = frozenset({FaultKind.TLS_FAILURE, FaultKind.WRONG_AUTHORITY, FaultKind.WRONG_NAME})
"""TLS fails, on either side."""

CONNECTION_KINDS = HANDSHAKE_KINDS | {FaultKind.REFUSED}
"""The client gets no connection: there is no request to answer."""


@dataclass(frozen=True)
class Status:
    """An error answer instead of acting: a status, a body, headers."""

    code: int
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class Listener(Protocol):
    """The address that connections come to."""

    def refuse(self, seconds: float | None) -> None:
        """Close the address, for so many seconds or until it is opened; returns when it is closed."""

    def reopen(self) -> None:
        """Open it again; returns when it is open."""


_OWN_WORDS: dict[FaultKind, Callable[[str, Request], Response]] = {
    FaultKind.SERVER_ERROR: refusals.server_error,
    FaultKind.UNAUTHORIZED: refusals.unauthorized,
    FaultKind.FORBIDDEN: refusals.forbidden,
    FaultKind.NOT_FOUND: refusals.not_found,
}
_LIMITS: dict[FaultKind, Callable[[float], Response]] = {
    FaultKind.SECONDARY_LIMIT: refusals.secondary_limit,
    FaultKind.PRIMARY_LIMIT: refusals.primary_limit,
}
_PAGES = {FaultKind.HTML_200: 200, FaultKind.BAD_GATEWAY: 502}


@dataclass
class Fault:
    """One programmed failure and how often it still happens; ``hits`` counts how often it did."""

    system: str
    method: str
    path: re.Pattern[str]
    query: re.Pattern[str]
    times: int | None
    kind: FaultKind | Status
    after: int = 0
    spreads: bool = False
    seconds: float = 1.0
    hits: int = 0
    released: threading.Event = field(default_factory=threading.Event, repr=False)
    _spread: str = ""

    def fits(self, system: str, request: Request) -> bool:
        """Whether the fault applies to this request and is not used up."""
        if self.times == 0:
            return False
        if self._spread:
            return self._spread == system
        return (
            self.system in (ANY, system)
            and self.method in (ANY, request.method)
            and self.path.search(request.path) is not None
            and self.query.search(request.query) is not None
        )

    def use(self, system: str) -> None:
        """Count one use."""
        self.hits += 1
        if self.times is not None:
            self.times -= 1
        if self.spreads:
            self._spread = system

    @property
    def is_kind(self) -> FaultKind | None:
        """The kind of fault; None for an answer that was written by hand."""
        return None if isinstance(self.kind, Status) else self.kind

    def instead(self, system: str, request: Request) -> Response | None:
        """The answer given instead of acting; None if the system acts or the connection is kept waiting."""
        if isinstance(self.kind, Status):
            return Response(self.kind.code, self.kind.body.encode(), self.kind.content_type, self.kind.headers)
        if self.kind is FaultKind.RESET_BEFORE or self.kind in CONNECTION_KINDS:
            return Response(0, reset=True)
        return self._said(self.kind, system, request)

    def _said(self, kind: FaultKind, system: str, request: Request) -> Response | None:
        if kind in _OWN_WORDS:
            return _OWN_WORDS[kind](system, request)
        if kind in _LIMITS:
            return _LIMITS[kind](self.seconds)
        if kind in _PAGES:
            return html_response(_PAGES[kind])
        return refusals.too_many_requests(system, request, self.seconds) if kind is FaultKind.TOO_MANY else None


@dataclass
class _Break:
    """Handshakes that fail: of which system, and how many more (None: until cleared)."""

    system: str
    kind: FaultKind
    left: int | None


class Faults:
    """The programmed failures, first added first used."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._breaks: list[_Break] = []
        self._refused: dict[str, float] = {}
        self._listener: Listener | None = None
        self._dropping = Fault(ANY, ANY, re.compile(""), re.compile(""), None, FaultKind.RESET_BEFORE)
        self._lock = threading.Lock()

    def attach(self, listener: Listener) -> None:
        """Register the address to close for a refused connection."""
        self._listener = listener

    def add(
        self,
        system: str,
        method: str,
        path_regex: str,
        times: int | None,
        kind: FaultKind | Status | str,
        *,
        query: str = "",
        after: int = 0,
        spreads: bool = False,
        seconds: float = 1.0,
    ) -> Fault:
        """Let fitting requests fail: the next ``times`` (None: all until cleared), once ``after`` have passed.

        ``*`` fits any system or method; ``path_regex`` and ``query`` are searched. ``kind`` is a :class:`FaultKind`
        (or its text) or a :class:`Status`. ``spreads``: from the first hit on it applies to every request of that
        system. ``seconds`` is what limits tell the client to wait, and, with ``times`` given, how long connections
        are refused.

        A kind that breaks connections drops the fitting request before anything is done about it, and then the
        connections that follow: for TLS the next ``times`` of that system, by SNI; refused ones for ``seconds``,
        whatever the system, as there is one address only. Until that is over, kept connections do not help: requests
        of that system are dropped on them, too.
        """
        chosen = FaultKind(kind) if isinstance(kind, str) else kind
        fault = Fault(system, method, re.compile(path_regex), re.compile(query), times, chosen, after, spreads, seconds)
        with self._lock:
            self._faults.append(fault)
        return fault

    def refuse(self, seconds: float | None = None) -> None:
        """Refuse every connection from now on, for so many seconds or until cleared."""
        if self._listener is not None:
            self._listener.refuse(seconds)

    def break_handshakes(self, system: str, kind: FaultKind, times: int | None = None) -> None:
        """Let the next handshakes of a system fail (None: until cleared), without waiting for a request."""
        wanted = _Break(system, kind, times)
        with self._lock:
            if times is not None or wanted not in self._breaks:
                self._breaks.append(wanted)

    def take(self, system: str, request: Request) -> Fault | None:
        """Use up and return the fault for a request, if there is one; connections break before this returns."""
        with self._lock:
            fault = self._first(system, request)
            if fault is None:
                return self._dropping if self._is_broken(system) else None
        kind = fault.is_kind
        if kind is FaultKind.REFUSED:
            seconds = None if fault.times is None else fault.seconds
            with self._lock:
                self._refused[system] = time.monotonic() + (math.inf if seconds is None else seconds)
            self.refuse(seconds)
        elif kind in HANDSHAKE_KINDS:
            self.break_handshakes(system, kind, None if fault.times is None else 1)
        return fault

    def handshake(self, system: str) -> FaultKind | None:
        """Use up and return how the handshake of a new connection to a system fails; None if it succeeds."""
        with self._lock:
            for entry in self._breaks:
                if entry.system in (ANY, system) and entry.left != 0:
                    entry.left = None if entry.left is None else entry.left - 1
                    return entry.kind
        return None

    def clear(self) -> None:
        """Remove all faults: requests that wait for an answer are dropped, closed addresses are opened again."""
        with self._lock:
            faults, self._faults = self._faults, []
            self._breaks.clear()
            self._refused.clear()
        for fault in faults:
            fault.released.set()
        if self._listener is not None:
            self._listener.reopen()

    def _is_broken(self, system: str) -> bool:
        """Whether a request can only have come on a connection from before the system's connections broke."""
        waiting = any(entry.left != 0 and entry.system in (ANY, system) for entry in self._breaks)
        return waiting or time.monotonic() < self._refused.get(system, 0.0)

    def _first(self, system: str, request: Request) -> Fault | None:
        chosen = None
        for fault in self._faults:
            if not fault.fits(system, request):
                continue
            if fault.after:
                fault.after -= 1
            elif chosen is None:
                chosen = fault
                fault.use(system)
        return chosen
