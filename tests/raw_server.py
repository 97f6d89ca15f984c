"""A server that answers with whatever bytes a test gives it, at whatever pace."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Script = Callable[[int, str], Iterable[bytes]]
"""From a request's number (from 0) and its head to the bytes of its answer; the connection is closed behind them."""


@dataclass
class RawServer:
    """``heads`` are the requests that came, without their bodies."""

    port: int
    script: Script = lambda _, __: ()
    heads: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, connection: socket.socket) -> None:
        """Answer one request."""
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65536)
                if not part:
                    return
                head += part
            self.heads.append(head.partition(b"\r\n\r\n")[0].decode())
            for part in self.script(len(self.heads) - 1, self.heads[-1]):
                connection.sendall(part)


@contextmanager
def raw_server() -> Iterator[RawServer]:
    """A server on this machine, for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RawServer(listener.getsockname()[1])

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=server.answer, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)


def response(body: bytes | str, *headers: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """A whole answer."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}", "Connection: close"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + content
