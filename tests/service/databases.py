"""Databases on loopback: as much of their protocols as a client needs to connect and to ask whether they answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, socket
from socketserver import BaseRequestHandler, StreamRequestHandler, ThreadingTCPServer
from threading import Thread

REPLIES = {"ping": b"+PONG\r\n", "select": b"+OK\r\n", "hello": b"%1\r\n$5\r\nproto\r\n:3\r\n"}


class _Postgres(StreamRequestHandler):
    started: list[bytes]

    def handle(self) -> None:
        """Let everybody in, and answer each query with nothing."""
        length = int.from_bytes(self.rfile.read(4))
        self.started.append(self.rfile.read(length - 4))
        ready = b"Z\0\0\0\5I"
        self.wfile.write(b"R\0\0\0\x08\0\0\0\0" + ready)
        while self.rfile.read(1) == b"Q":
            length = int.from_bytes(self.rfile.read(4))
            self.rfile.read(length - 4)
            self.wfile.write(b"C\0\0\0\x0dSELECT 1\0" + ready)


class _Redis(StreamRequestHandler):
    asked: list[list[str]]
    open: list[socket]

    def handle(self) -> None:
        self.open.append(self.connection)
        while head := self.rfile.readline():
            words = []
            for _ in range(int(head[1:])):
                self.rfile.readline()
                words.append(self.rfile.readline().decode().strip().lower())
            self.asked.append(words)
            self.wfile.write(REPLIES.get(words[0], b"-ERR unknown command\r\n"))


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def _serving(port: int, handler: type[BaseRequestHandler], **given: object) -> Iterator[int]:
    with _Server(("127.0.0.1", port), type("Handler", (handler,), given)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


@contextmanager
def postgres(port: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """PostgreSQL on a port, 0 for a free one; yields it, and the messages that clients start with."""
    started: list[bytes] = []
    with _serving(port, _Postgres, started=started) as found:
        yield found, started


@contextmanager
def redis(port: int) -> Iterator[list[list[str]]]:
    """Redis on a port; yields the commands that it is sent. Its end ends all connections."""
    asked: list[list[str]] = []
    connections: list[socket] = []
    with _serving(port, _Redis, asked=asked, open=connections):
        yield asked
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(SHUT_RDWR)
