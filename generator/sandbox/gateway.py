"""The load balancer: one address, systems selected by Host; tests delay or break answers here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from generator.sandbox.faults import Fault, FaultKind, Faults
from generator.sandbox.journal import Exchange, Journal
from generator.sandbox.messages import SERVER_NAME, Request, Response, text_response
from generator.sandbox.refusals import malformed

_RESET = Response(0, reset=True)


class Gateway:
    """Finds the system of a request, applies pause, latency and faults, and keeps the journal."""

    def __init__(self, latency: float = 0.0) -> None:
        self.journal = Journal()
        self.faults = Faults()
        self._systems: dict[str, tuple[str, Callable[[Request], Response]]] = {}
        self._otherwise: tuple[Callable[[str], bool], str, Callable[[Request], Response]] | None = None
        self._latency = latency
        self._changed = threading.Condition()
        self._paused = False
        self._closing = False
        self._held = 0
        self._dropped = 0

    def serve(self, systems: Mapping[str, tuple[str, Callable[[Request], Response]]]) -> None:
        """Route each host name to its system."""
        self._systems.update(systems)

    def serve_others(
        self, which: Callable[[str], bool], system: str, application: Callable[[Request], Response]
    ) -> None:
        """Route all other hosts that ``which`` names to one system."""
        self._otherwise = which, system, application

    def __call__(self, request: Request) -> Response:
        """Answer one request, or drop its connection."""
        return self.answer(request, *self._found(request.host))

    def answer(self, request: Request, system: str, application: Callable[[Request], Response]) -> Response:
        """Answer one request by a system that was found already."""
        began = time.monotonic()
        response = self._answer(system, application, request)
        self.journal.add(_exchange(system, request, response, began))
        return response

    def broken_handshake(self, host: str) -> FaultKind | None:
        """How the next handshake for a host fails; None when it does not."""
        return self.faults.handshake(self._found(host)[0])

    def _found(self, host: str) -> tuple[str, Callable[[Request], Response]]:
        if host not in self._systems and self._otherwise is not None and self._otherwise[0](host):
            return self._otherwise[1:]
        return self._systems.get(host, ("", _unknown_host))

    def pause(self) -> None:
        """Hold every request from now on, before anything is done about it."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Let the held requests go on."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def drop_held(self) -> None:
        """Drop the held requests: what was not acted on never is. Later requests go on as usual."""
        with self._changed:
            self._dropped += 1
            self._paused = False
            self._changed.notify_all()

    def wait_until_held(self, count: int = 1, timeout: float = 30.0) -> None:
        """Wait until so many requests are held. Raises TimeoutError when they do not come."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._held >= count, timeout):
                raise TimeoutError(f"{self._held} of {count} requests held after {timeout:g} s")

    def close(self) -> None:
        """Drop what is held, and act on nothing more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self.faults.clear()

    def _answer(self, system: str, application: Callable[[Request], Response], request: Request) -> Response:
        fault = self.faults.take(system, request)
        if fault is not None and fault.kind is FaultKind.HOLD:
            self.pause()
        self._delay()
        if not self._pass():
            return _RESET
        return application(request) if fault is None else self._broken(fault, system, application, request)

    def _broken(
        self, fault: Fault, system: str, application: Callable[[Request], Response], request: Request
    ) -> Response:
        instead = fault.instead(system, request)
        if instead is not None:
            return instead
        response = _RESET if fault.kind is FaultKind.TIMEOUT_BEFORE else application(request)
        if fault.kind is FaultKind.MALFORMED:
            return malformed(response)
        if fault.kind is FaultKind.HOLD:
            return response
        if fault.kind is FaultKind.HOLD_AFTER:
            self.pause()
            return response if self._pass() else _RESET
        if fault.kind in (FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER):
            fault.released.wait()
        return _RESET

    def _delay(self) -> None:
        """Wait out the latency; the lock is free meanwhile, so that requests do not wait for each other."""
        if self._latency:
            with self._changed:
                self._changed.wait_for(lambda: self._closing, self._latency)

    def _pass(self) -> bool:
        """Wait as long as requests are held; False where this one is to be dropped."""
        with self._changed:
            dropped = self._dropped
            self._held += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closing or not self._paused or self._dropped != dropped)
            self._held -= 1
            return not self._closing and self._dropped == dropped


def _unknown_host(_: Request) -> Response:
    return text_response(404, "404 page not found\n")


def _exchange(system: str, request: Request, response: Response, began: float) -> Exchange:
    return Exchange(
        system=system,
        method=request.method,
        path=request.path,
        query=request.query,
        status=response.status,
        request_body=request.body,
        response_body=response.body,
        request_content_type=request.header("content-type"),
        response_content_type=response.content_type,
        user_agent=request.header("user-agent"),
        server_name=request.header(SERVER_NAME),
        began=began,
        ended=time.monotonic(),
    )
