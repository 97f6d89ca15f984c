"""A small HTTP proxy on loopback that carries CONNECT tunnels to this machine, whatever their name, and counts them."""

from __future__ import annotations

import base64
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ADDRESS = "127.0.0.1"
USER, PASSWORD = "proxy-user", "proxy%2Fpassword-4711"


@dataclass
class Tunnel:
    """A proxy; ``asked`` are the addresses that tunnels were asked for, ``said`` all that it was sent before.

    ``closed``: it wants user and password.
    """

    port: int
    closed: bool = False
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}"

    @property
    def with_credentials(self) -> str:
        return f"http://{USER}:{PASSWORD}@{ADDRESS}:{self.port}"

    @property
    def hosts(self) -> set[str]:
        return {address.rpartition(":")[0] for address in self.asked}


@contextmanager
def tunnel(*, closed: bool = False, accepts: bool = True, refusal: str = "407 Proxy Auth") -> Iterator[Tunnel]:
    """A proxy that runs; without ``accepts`` it takes no credentials either, and answers with ``refusal``."""
    word = base64.b64encode(f"{USER}:{PASSWORD.replace('%2F', '/')}".encode()).decode()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = [line] if (line := self.rfile.readline().decode("latin-1")) else []
            while (line := self.rfile.readline().decode("latin-1")) not in ("", "\r\n"):
                head.append(line)
            if not head:
                return
            address = head[0].split(" ")[1]
            found.asked.append(address)
            found.said += head
            let_in = accepts and any(word in item for item in head if item.lower().startswith("proxy-authorization:"))
            if found.closed and not let_in:
                answer = f'HTTP/1.1 {refusal}\r\nProxy-Authenticate: Basic realm="x"\r\n'
                self.wfile.write(f"{answer}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
                return
            with suppress(OSError), socket.create_connection((ADDRESS, int(address.rpartition(":")[2]))) as there:
                self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                _carry(self.connection, there)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server((ADDRESS, 0), Handler) as server:
        found = Tunnel(server.server_address[1], closed)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    while True:
        readable, _, _ = select.select((one, other), (), (), 30)
        if not readable:
            return
        for stream in readable:
            content = stream.recv(65536)
            if not content:
                return
            (other if stream is one else one).sendall(content)
