"""Requests through a proxy; derived from httpx, so only connecting imports it."""

from __future__ import annotations

import ssl

import httpx

from generator.clients.bounded import timed
from generator.clients.proxies import REFUSED_BY_PROXY, Proxy


class ProxiedTransport(httpx.BaseTransport):
    """Sends every request through one proxy, and names it, without its credentials, where that fails."""

    def __init__(self, proxy: Proxy, context: ssl.SSLContext) -> None:
        self._proxy = proxy
        inner = httpx.Proxy(proxy.url, ssl_context=context if proxy.url.lower().startswith("https:") else None)
        self._inner = timed(httpx.HTTPTransport(verify=context, proxy=inner, trust_env=False))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``.

        Raises ``httpx.ConnectError`` where the proxy can't be reached or fails, ``httpx.ProxyError`` where it refuses.
        """
        try:
            return self._inner.handle_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            reason = "no answer in time" if isinstance(error, httpx.ConnectTimeout) else str(error)
            refuses = isinstance(error, httpx.ProxyError) and reason.startswith(REFUSED_BY_PROXY)
            kind = httpx.ProxyError if refuses else httpx.ConnectError
            raise kind(f"{reason}, through the proxy {self._proxy}", request=request) from error

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
