"""Servers on loopback: one that gives canned answers, and one that takes git pushes."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """A canned answer."""

    status: int
    body: str = ""
    type: str = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    line: str
    headers: dict[str, str]
    body: str


@dataclass
class Canned:
    """A server that answers what it was told, in order, and remembers what it was asked."""

    answers: list[Answer]
    url: str = ""
    requests: list[Request] = field(default_factory=list)


@contextmanager
def serve(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on a free port of loopback; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def content(self) -> bytes:
        """The request's body."""
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def canned(*answers: Answer) -> Iterator[Canned]:
    """A server that gives ``answers`` in order."""
    completed = Canned(list(answers))

    class Handler(_Quiet):
        def do_POST(self) -> None:
            completed.requests.append(Request(self.requestline, dict(self.headers), self.content().decode()))
            answer = completed.answers.pop(0)
            headers = {} if answer.status == 204 else {"Content-Type": answer.type}
            self.answer(answer.status, headers, answer.body.encode())

    with serve(Handler) as url:
        completed.url = url
        yield completed


@contextmanager
def git_server(root: Path, user: str, password: str) -> Iterator[str]:
    """Git over HTTP for the bare repositories below ``root``, with basic authentication."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(_Quiet):
        def do_GET(self) -> None:
            self._pass_on(b"")

        def do_POST(self) -> None:
            self._pass_on(self.content())

        def _pass_on(self, body: bytes) -> None:
            if self.headers.get("Authorization") != wanted:
                self.answer(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
                return
            address = urlsplit(self.path)
            environment = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REMOTE_USER": user,
                "REQUEST_METHOD": self.command,
                "PATH_INFO": address.path,
                "QUERY_STRING": address.query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
            }
            done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.answer(int(headers.pop("Status", "200").split()[0]), headers, content)

    with serve(Handler) as url:
        yield url
