"""Programs that run beside a sandbox, and the way to them through its load balancer."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import httpx

from generator.sandbox.messages import SERVER_NAME, Request, Response

READY_SECONDS = 60.0
# What belongs to one connection, or was undone on the way in or out.
_OF_THE_CONNECTION = frozenset(
    {"accept-encoding", "connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"}
)
# Beside what is said of the server itself, nothing of this environment reaches it.
_KEPT = ("PATH", "LANG", "TMPDIR", "TZ")


class NotReadyError(AssertionError):
    """A server ended, or did not answer in time; its log says more."""


def free_port() -> int:
    """A port of loopback that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A server in a process of its own, until :meth:`stop`; what it says is written to a file."""

    def __init__(self, command: list[str], home: Path, environment: Mapping[str, str]) -> None:
        self._log = home / "log"
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=home,
                env={**kept, "HOME": str(home), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        """Wait until ``ready`` says so. Raises ``NotReadyError`` when the program ends, or takes too long."""
        deadline, pause = time.monotonic() + seconds, threading.Event()
        while not ready():
            if self._process.poll() is not None:
                raise NotReadyError(f"ended with {self._process.returncode}:\n{self.log[-4000:]}")
            if time.monotonic() > deadline:
                raise NotReadyError(f"not ready after {seconds:g} s:\n{self.log[-4000:]}")
            pause.wait(0.05)

    def stop(self) -> None:
        """End it, by force where it does not end by itself."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def answers(address: str, path: str, status: int) -> Callable[[], bool]:
    """Asks whether a server answers a path with a status by now."""

    def ask() -> bool:
        try:
            return httpx.get(address + path, trust_env=False, timeout=5).status_code == status
        except httpx.TransportError:
            return False

    return ask


class Passage:
    """Answers for a host of the sandbox with what a server behind the load balancer answers."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, trust_env=False, timeout=120)

    def __call__(self, request: Request) -> Response:
        """Hand one request on, and its answer back."""
        query = f"?{request.query}" if request.query else ""
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_CONNECTION}
        headers.pop(SERVER_NAME, None)
        answer = self._client.request(
            request.method,
            quote(request.path, safe="/@:!$&'()*+,;=~") + query,
            headers={**headers, "X-Forwarded-Proto": "https", "X-Forwarded-Host": request.header("host")},
            content=request.body,
        )
        passed = {
            name.title(): value
            for name, value in answer.headers.items()
            if name not in _OF_THE_CONNECTION and name not in ("content-type", "date")
        }
        return Response(answer.status_code, answer.content, answer.headers.get("content-type", ""), passed)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
