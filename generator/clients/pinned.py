"""Requests for one host, sent to a fixed address; derived from httpx, so only connecting imports it."""

from __future__ import annotations

import ssl

import httpx

from generator.clients.bounded import timed
from generator.platform.profile import Pin


class PinnedTransport(httpx.BaseTransport):
    """Sends the requests for one host to a fixed address; SNI, Host and certificate checks stay on the real name.

    One transport serves one host only: a connection that was checked for one name is never used for another.
    """

    def __init__(self, host: str, pin: Pin, context: ssl.SSLContext) -> None:
        self._host = host
        self._pin = pin
        self._inner = timed(httpx.HTTPTransport(verify=context, trust_env=False))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` to the pinned address. Raises ``httpx.UnsupportedProtocol`` for any other host."""
        if request.url.host != self._host:
            raise httpx.UnsupportedProtocol(f"this connection serves {self._host}, not {request.url.host}")
        request.extensions = {**request.extensions, "sni_hostname": self._host}
        request.url = request.url.copy_with(host=self._pin.address, port=self._pin.port)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
