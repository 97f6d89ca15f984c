"""A small HTTPS server: threads, keep-alive, chunked and gzipped requests, and a stop that leaves nothing behind.

The standard library's server closes each connection under WSGI and does its TLS handshake while accepting, where
one silent client blocks all others; hence this one.
"""

from __future__ import annotations

import gzip
import math
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from generator.sandbox.messages import SERVER_NAME, Request, Response

Application = Callable[[Request], Response]

_IDLE_SECONDS = 60
_NO_BODY = frozenset({204, 304})
_RESET = struct.pack("ii", 1, 0)


class _Handler(BaseHTTPRequestHandler):
    """Reads requests from one connection until it ends."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 65536
    timeout = _IDLE_SECONDS
    server: _Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        response = self.server.application(self._request())
        if response.reset:
            self._drop()
        else:
            self._send(response)

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: the journal has it."""

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        body = self._body()
        if self.headers.get("Content-Encoding", "").lower() == "gzip":
            body = gzip.decompress(body)
        return Request(
            method=self.command,
            host=self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", ""),
            path=unquote(parts.path),
            query=parts.query,
            headers={name.lower(): value for name, value in self.headers.items()} | self._server_name(),
            body=body,
        )

    def _server_name(self) -> dict[str, str]:
        name = getattr(self.connection, "server_hostname", None)
        return {SERVER_NAME: name} if name else {}

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self._chunks())
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client went away in the middle of its request")
        return body

    def _chunks(self) -> list[bytes]:
        chunks: list[bytes] = []
        while size := int(self.rfile.readline(1024).split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline(3)
        while self.rfile.readline(65537).strip():
            pass
        return chunks

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.content_type:
            self.send_header("Content-Type", response.content_type)
        if response.status not in _NO_BODY:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD" and response.status not in _NO_BODY:
            self.wfile.write(response.body)
        self.wfile.flush()

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.server.forget(self.connection)


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts connections; each has a thread that is joined when the server closes."""

    allow_reuse_address = True
    request_queue_size = 64
    block_on_close = False

    def __init__(self, port: int, context: ssl.SSLContext, application: Application) -> None:
        self.application = application
        self._context = context
        self._connections: set[socket.socket] = set()
        self._workers: list[threading.Thread] = []
        self._closing = False
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        # Daemons, so that a process that forgets to stop still ends; joined all the same by join().
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._workers = [known for known in self._workers if known.is_alive()] + [thread]
            thread.start()

    def stop_listening(self) -> None:
        """Refuse connections, the port still taken: ``server_activate`` listens again."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # a child that was just forked may have the socket, too
        self.socket.close()
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()

    def join(self) -> None:
        """Wait for the threads of all connections."""
        with self._lock:
            threads = list(self._workers)
        for thread in threads:
            thread.join()

    def finish_request(self, request: Any, client_address: Any) -> None:
        connection: socket.socket = request
        connection.settimeout(_IDLE_SECONDS)
        # The handshake comes after remembering, so that a client that stalls in it can be hung up on.
        try:
            secured = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        except OSError:
            return
        try:
            if self._remember(secured):
                secured.do_handshake()
                _Handler(secured, client_address, self)
        except (OSError, ValueError):
            # A client that does not trust the authority, went away, or speaks no HTTP: nobody is left to tell.
            return
        finally:
            self.forget(secured)
            secured.close()

    def _remember(self, connection: socket.socket) -> bool:
        with self._lock:
            if not self._closing:
                self._connections.add(connection)
            return not self._closing

    def forget(self, connection: socket.socket) -> None:
        """Take a connection that is about to close off the list."""
        with self._lock:
            self._connections.discard(connection)

    def close_connections(self) -> None:
        """End every open connection and take no more, so that no thread waits for its client any more."""
        with self._lock:
            self._closing = True
        self.hang_up()

    def settle(self) -> None:
        """End every open connection, and wait until the request of each is done."""
        while threads := self._working():
            self.hang_up()
            threads[0].join(0.1)  # a thread that had only begun when the connections were ended has one still

    def _working(self) -> list[threading.Thread]:
        with self._lock:
            return [thread for thread in self._workers if thread.is_alive()]

    def hang_up(self) -> None:
        """End every open connection: its thread finishes what it is doing, and waits for no other request."""
        with self._lock:
            open_connections = list(self._connections)
        for connection in open_connections:
            try:
                # Not SSLSocket.shutdown: that one unsets the TLS state under the reading thread.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                continue


class HttpsServer:
    """The listening address of the sandbox, which can be closed for a while and keeps its port all the same."""

    def __init__(self, port: int, context: ssl.SSLContext, application: Application) -> None:
        self._server = _Server(port, context, application)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._accept, name="sandbox-accept", daemon=True)
        self._changed = threading.Condition()
        self._stopped = False
        self._open = True
        self._closed_until: float | None = None  # None while it is to be open

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def refuse(self, seconds: float | None = None) -> None:
        """Refuse new connections, for so many seconds or until :meth:`reopen`; returns once that is so.

        Connections that are open stay so.
        """
        with self._changed:
            if self._stopped:
                return
            until = math.inf if seconds is None else time.monotonic() + seconds
            self._closed_until = max(until, self._closed_until or 0.0)
            self._changed.notify_all()
        self._server.shutdown()
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._open or self._closed_until is None)

    def reopen(self) -> None:
        """Accept connections again; returns once that is so."""
        with self._changed:
            self._closed_until = None
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stopped or self._open)

    def stop(self) -> None:
        """Refuse new connections, end the open ones, and wait for their threads."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.close_connections()
        self._server.join()
        self._server.server_close()

    def settle(self) -> None:
        """End every open connection, and wait until the request of each is done; new ones are accepted as usual."""
        self._server.settle()

    def close(self) -> None:
        """Give the port back without ever having answered."""
        self._server.server_close()

    def _accept(self) -> None:
        while not self._stopped:
            self._server.serve_forever(poll_interval=0.02)
            with self._changed:
                if self._closed_until is not None and not self._stopped:
                    self._stay_closed()

    def _stay_closed(self) -> None:
        self._server.stop_listening()
        self._open = False
        self._changed.notify_all()
        while not self._stopped and (left := (self._closed_until or 0.0) - time.monotonic()) > 0:
            self._changed.wait(None if math.isinf(left) else left)
        self._closed_until = None
        self._server.server_activate()
        self._open = True
        self._changed.notify_all()
