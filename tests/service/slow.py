"""Clients on bad lines, and many at once: what a service meets on a bad day."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

STEP = 0.25  # seconds between two pieces


def _connected(url: str, timeout: float) -> tuple[socket.socket, str]:
    """A connection with small buffers, so that the other side waits for this one; and the address's path."""
    address = urlsplit(url)
    connection = socket.socket()
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        connection.setsockopt(socket.SOL_SOCKET, option, 65536)
    connection.settimeout(timeout)
    connection.connect((address.hostname, address.port))
    return connection, address.path or "/"


def _answer(connection: socket.socket) -> tuple[int, int, bytes]:
    """Status, length of the body, and what of the body came with the head."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(4096)
        assert piece, f"the connection was closed after {head!r}"
        head += piece
    lines, _, body = head.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines.split(b"\r\n")[1:])
    return int(lines.split()[1]), int(headers.get(b"content-length", b"-1")), body


def take(url: str, seconds: float) -> tuple[int, int, int]:
    """Download over at least so many seconds; status, promised length and length of what came."""
    connection, path = _connected(url, 30)
    with connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        status, length, body = _answer(connection)
        size, started = len(body), time.monotonic()
        while found := connection.recv(65536):
            size += len(found)
            time.sleep(max(0, started + seconds * size / length - time.monotonic()))
        assert size < length or time.monotonic() - started > 0.9 * seconds, "the client was not slow"
        return status, length, size


def send(url: str, size: int, seconds: float) -> tuple[int, Any]:
    """Upload over so many seconds; status and what the JSON of the answer says."""
    connection, path = _connected(url, 30)
    with connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {size}\r\n"
        connection.sendall(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode())
        steps = max(1, round(seconds / STEP))
        try:
            for step in range(steps):
                connection.sendall(b"x" * (size * (step + 1) // steps - size * step // steps))
                time.sleep(STEP if seconds else 0)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer says why
        status, length, body = _answer(connection)
        while len(body) < length and (piece := connection.recv(65536)):
            body += piece
        return status, json.loads(body) if status == 200 else None


def never_ask(url: str, longest: float) -> float:
    """Seconds until the server gives up on a request whose headers never end."""
    connection, path = _connected(url, longest)
    with connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n".encode())
        started = time.monotonic()
        while connection.recv(4096):
            pass
        return time.monotonic() - started


@dataclass
class Load:
    """Clients that ask again and again, each on one connection, until the server ends it with an answer.

    What they found is in ``seen``: an answer's status, ``refused`` for a connection that nobody took, ``closed`` for
    one that was closed before a byte of an answer, ``cut`` for an answer that was not whole, and ``moved`` for a client
    that goes elsewhere, as the cluster's do once the service is to end.
    """

    url: str
    clients: int = 8
    seen: Counter[str] = field(default_factory=Counter)
    _end: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        address = urlsplit(self.url)
        connection = HTTPConnection(str(address.hostname), address.port, timeout=10)
        while not self._end.is_set():
            found = self._ask(connection, address.path or "/")
            self.seen[found] += 1
            if found.isdigit() and connection.sock is None:
                self.seen["moved"] += 1
                return
            if not found.isdigit():
                connection.close()
                time.sleep(0.01)

    @staticmethod
    def _ask(connection: HTTPConnection, path: str) -> str:
        try:
            connection.request("GET", path)
            response = connection.getresponse()
        except ConnectionRefusedError:
            return "refused"
        except (ConnectionError, OSError):
            return "closed"
        try:
            response.read()
        except (HTTPException, OSError):  # the head promised more
            return "cut"
        return str(response.status)
