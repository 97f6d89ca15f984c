"""A man in the middle: what takes a connection meant for the forge, and writes down all that it is sent."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import trustme

ADDRESS = "127.0.0.2"
"""Where it listens: loopback, and not where the sandbox is."""

_ASK = (
    b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="forge"\r\nContent-Length: 0\r\n'
    b"Connection: keep-alive\r\n\r\n"
)


@dataclass
class Eavesdropper:
    """A proxy, and the forge itself to those who trust its authority: it wants a password for everything.

    ``heard`` are the heads of all requests, of each connection at least an empty one.
    """

    port: int
    ca_file: Path
    ca_folder: Path
    heard: list[str] = field(default_factory=list)

    @property
    def proxy(self) -> str:
        return f"http://{ADDRESS}:{self.port}"

    @property
    def url(self) -> str:
        """Its own address as a forge."""
        return f"https://{ADDRESS}:{self.port}"


@contextmanager
def eavesdropper(folder: Path, host: str, port: int) -> Iterator[Eavesdropper]:
    """One that is ``host`` on this port. Its authority is in a file, and in a folder as OpenSSL and GnuTLS read it."""
    authority, context = trustme.CA(organization_name="in the middle"), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, ADDRESS).configure_cert(context)
    ca_folder = folder / "authorities"
    ca_folder.mkdir(parents=True)
    authority.cert_pem.write_to_path(str(folder / "middle.pem"))
    authority.cert_pem.write_to_path(str(ca_folder / "middle.pem"))

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            found.heard.append("")
            connection: socket.socket = self.request
            try:
                if connection.recv(1, socket.MSG_PEEK) != b"\x16":
                    if not self.head(connection.makefile("rb", buffering=0)).startswith("CONNECT"):
                        connection.sendall(_ASK)
                        return
                    connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                with context.wrap_socket(connection, server_side=True) as secured:
                    stream = secured.makefile("rb")
                    while self.head(stream):
                        secured.sendall(_ASK)
            except OSError:
                pass  # whoever called does not trust it

        def head(self, stream: BinaryIO | socket.SocketIO) -> str:
            lines = []
            while (line := stream.readline()) not in (b"", b"\r\n"):
                lines.append(line.decode("latin-1"))
            found.heard.append("".join(lines))
            return found.heard[-1]

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server((ADDRESS, port), Handler) as server:
        found = Eavesdropper(server.server_address[1], folder / "middle.pem", ca_folder)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
