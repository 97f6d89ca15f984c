"""How the server treats slow clients, and requests that come while it ends."""

import asyncio

import pytest
import uvicorn

from app import server
from app.main import app

REQUEST = b"GET /healthz HTTP/1.1\r\nhost: here\r\n"


async def started(drain_seconds: float) -> tuple[server.Server, "asyncio.Task[None]", int]:
    """A server on a port of the system's choice, and the task that it runs in."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=server.Protocol, log_config=None)
    running = server.Server(config, drain_seconds)
    task = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    return running, task, running.servers[0].sockets[0].getsockname()[1]


def test_headers_that_take_too_long_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.2)

    async def scenario() -> tuple[bytes, bytes]:
        running, task, port = await started(0)
        slow, slow_writer = await asyncio.open_connection("127.0.0.1", port)
        slow_writer.write(REQUEST)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + b"\r\n")
        first = await reader.readline()
        cut = await asyncio.wait_for(slow.read(), timeout=10)
        writer.write(REQUEST + b"\r\n")  # the connection that is kept alive is still open
        await reader.readuntil(b"HTTP/1.1 200")
        for each in (slow_writer, writer):
            each.close()
        running.should_exit = True
        await task
        return cut, first

    cut, first = asyncio.run(scenario())
    assert cut == b""
    assert first.startswith(b"HTTP/1.1 200")


def test_new_requests_are_answered_while_it_drains() -> None:
    async def scenario() -> bytes:
        running, task, port = await started(1)
        running.should_exit = True
        await asyncio.sleep(0.3)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + b"\r\n")
        answer = await reader.read()  # all that comes until the server closes the connection
        assert not task.done()
        writer.close()
        await task
        return answer

    answer = asyncio.run(scenario())
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"\r\nconnection: close\r\n" in answer
