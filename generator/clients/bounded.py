"""HTTP within bounds: a time for all of one request, and a size for what a server answers.

Derived from httpx and httpcore, so only connecting imports it.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from generator.base.external import MOST_JSON_BYTES

ENCODING = "gzip"
"""What is asked for, and all that is decoded: nested encodings can multiply beyond any bound in one step."""
_STEP = 64 * 1024


class TooLargeError(httpx.DecodingError):
    """An answer is larger than ``MOST_JSON_BYTES``, as it came or decoded."""


class BoundedTransport(httpx.BaseTransport):
    """Sends requests through ``inner``, each within its own timeout from the connection to the end of the body.

    httpx's timeouts are for one operation: a server that sends a byte now and then meets them for hours.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``. Raises httpx's errors, also while the body is read; ``TooLargeError`` is one."""
        seconds = request.extensions.get("timeout", {}).get("read")
        deadline = None if seconds is None else time.monotonic() + seconds
        with _until(deadline):
            response = self._inner.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 - a synchronous transport's
        encoding = response.headers.pop("content-encoding", "identity").strip().lower()
        response.stream = _Body(response.stream, encoding, deadline)
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def timed(transport: httpx.HTTPTransport) -> httpx.HTTPTransport:
    """The same transport, whose connections end with the time of the request that they are used for.

    httpx has no parameter for httpcore's network backend.
    """
    transport._pool._network_backend = _Backend()
    return transport


class _Body(httpx.SyncByteStream):
    """A body, decoded as it comes, within the time of its request and the size of an answer."""

    def __init__(self, raw: httpx.SyncByteStream, encoding: str, deadline: float | None) -> None:
        self._raw = raw
        self._encoding = encoding
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        size = came = 0
        decoder = _Decoder(self._encoding)
        with _until(self._deadline):
            for chunk in self._raw:
                came += len(chunk)
                for part in decoder(chunk):
                    size += len(part)
                    if size > MOST_JSON_BYTES:
                        raise _too_large()
                    yield part
                if came > MOST_JSON_BYTES:
                    raise _too_large()
        decoder.end()

    def close(self) -> None:
        self._raw.close()


class _Decoder:
    """Decodes gzip in steps, so that a small chunk does not become a huge one."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._plain = encoding in ("", "identity")
        self._member: Any = None

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        if self._plain:
            yield chunk
            return
        if self._encoding not in (ENCODING, f"x-{ENCODING}"):
            raise httpx.DecodingError(f"it is encoded as {self._encoding[:40]!r}, which was not asked for")
        while chunk:
            if self._member is None:
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                part = self._member.decompress(chunk, _STEP)
            except zlib.error as error:
                raise httpx.DecodingError("it is not encoded as it says") from error
            if part:
                yield part
            chunk = self._member.unconsumed_tail
            if self._member.eof:  # a file of several is valid
                chunk, self._member = self._member.unused_data, None

    def end(self) -> None:
        """Raise ``RemoteProtocolError``, as for a body that is shorter than announced, where the end is missing."""
        if self._member is not None:
            raise httpx.RemoteProtocolError("the answer ended before its encoded content did")


def _too_large() -> TooLargeError:
    return TooLargeError(f"it is larger than {MOST_JSON_BYTES >> 20} MiB")


class _Time(threading.local):
    """When the request of this thread must have ended; None: nobody set it."""

    deadline: float | None = None


_time = _Time()


@contextmanager
def _until(deadline: float | None) -> Iterator[None]:
    before, _time.deadline = _time.deadline, deadline
    try:
        yield
    finally:
        _time.deadline = before


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    """The time that one operation may still take."""
    if _time.deadline is None:
        return timeout
    left = _time.deadline - time.monotonic()
    if left <= 0:
        raise late("the time for the whole request is over")
    return left if timeout is None else min(timeout, left)


class _Backend(httpcore.NetworkBackend):
    """Opens connections that know the time of the request under way."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection; each operation takes no longer than the request under way has left."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            left = _left(timeout, httpcore.ConnectTimeout)
        except httpcore.ConnectTimeout:
            self.close()  # as an inner one does that fails: nobody else has it yet
            raise
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
