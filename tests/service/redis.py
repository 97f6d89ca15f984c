"""As much of Redis' protocol as a client needs to connect, to choose a database and to ping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, socket
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

REPLIES = {"ping": b"+PONG\r\n", "select": b"+OK\r\n", "hello": b"%1\r\n$5\r\nproto\r\n:3\r\n"}


class _Handler(StreamRequestHandler):
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
def redis(port: int = 0) -> Iterator[list[list[str]]]:
    """A server on a port of loopback; yields the commands that it is sent."""
    asked: list[list[str]] = []
    connections: list[socket] = []
    handler = type("Handler", (_Handler,), {"asked": asked, "open": connections})
    with _Server(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield asked
        server.shutdown()
        thread.join()
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(SHUT_RDWR)
