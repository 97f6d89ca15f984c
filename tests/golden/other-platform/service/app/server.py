"""uvicorn with what it lacks: a limit for slow headers, and a while in which new requests still come."""

import asyncio
import socket

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10


class Protocol(H11Protocol):
    """Closes a connection whose headers take too long; bodies and answers may take as long as they take."""

    waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.wait_for_headers()

    def data_received(self, data: bytes) -> None:
        self.wait_for_headers()
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self.stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_waiting()
        super().connection_lost(exc)

    def wait_for_headers(self) -> None:
        """Start the time of a request's headers, unless it runs already or they have arrived."""
        if self.waiting is None and self.conn.their_state is h11.IDLE:
            self.waiting = self.loop.call_later(HEADER_SECONDS, self.timeout_keep_alive_handler)

    def stop_waiting(self) -> None:
        """End the time of the headers."""
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None


class Server(uvicorn.Server):
    """Answers new requests for a while after SIGTERM: the cluster still sends some until it has noticed."""

    def __init__(self, config: uvicorn.Config, drain_seconds: float) -> None:
        super().__init__(config)
        self.drain_seconds = drain_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self.drain_seconds
        # A client that kept its connection would lose the request that it sends while the server closes it.
        self.server_state.default_headers += [(b"connection", b"close")]
        while loop.time() < end and not self.force_exit:
            await asyncio.sleep(0.1)
        await super().shutdown(sockets)
