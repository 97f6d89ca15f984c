"""What a stranger gets to see: one GET without credentials and cookies, bounded, its redirects never followed."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from generator.base.lazy_import import lazily
from generator.clients.transport import causes, is_distrusted, tls_context, transport_to
from generator.platform.profile import Pin, Platform

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazily("httpx")

LONGEST_SECONDS = 15.0
"""The time for one page at most; the profile's ``timeout_seconds`` may be shorter."""

MOST_BYTES = 64 * 1024
"""What is read of a page: its beginning shows what answers."""

_HEADERS = {"Accept": "text/html,application/json;q=0.9,*/*;q=0.8", "User-Agent": "newservice"}


@dataclass(frozen=True)
class Page:
    """A response: ``kind`` is its content type without parameters, ``body`` its beginning, ``headers`` their names."""

    status: int
    location: str = ""
    kind: str = ""
    body: bytes = b""
    headers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Silence:
    """No response. ``unknown``: the name was refused before any request, because nobody has it."""

    reason: str
    unknown: bool = False


class Stranger:
    """Asks for pages of the platform's services."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._seconds = min(platform.connection.timeout_seconds, LONGEST_SECONDS)

    def get(self, url: str, pin: Pin | None) -> Page | Silence:
        """The page at an https address. ``pin`` is where TCP goes; None by this machine's DNS, and a proxy if any.

        Raises ``PreflightError`` where the profile's authority can't be loaded.
        """
        from generator.clients.bounded import ENCODING, BoundedTransport  # its base class is from httpx

        host = urlsplit(url).hostname or ""
        transport = BoundedTransport(transport_to(url, host, pin, self._context(host)))
        with httpx.Client(
            transport=transport,
            timeout=self._seconds,
            headers={**_HEADERS, "Accept-Encoding": ENCODING},
            trust_env=False,
        ) as client:
            try:
                with client.stream("GET", url) as response:
                    return _page(response)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                return _silence(error)

    def _context(self, host: str) -> ssl.SSLContext:
        """Certificates are checked, but for names of the home network: no public authority issues one for those."""
        checked = tls_context(self._platform.connection.ca_file)
        if not host.endswith(f".{self._platform.lan_domain}"):
            return checked
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


def _page(response: httpx.Response) -> Page:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) >= MOST_BYTES:
            break
    return Page(
        status=response.status_code,
        location=response.headers.get("location", ""),
        kind=response.headers.get("content-type", "").partition(";")[0].strip().lower(),
        body=body[:MOST_BYTES],
        headers=frozenset(name.lower() for name in response.headers),
    )


def _silence(error: Exception) -> Silence:
    if isinstance(error, httpx.TimeoutException):
        return Silence("no answer in time")
    if is_distrusted(error):
        return Silence("its certificate is not valid for this name")
    if any(isinstance(cause, ssl.SSLError) for cause in causes(error)):
        return Silence("the name was refused", unknown=True)
    return Silence(str(error) or type(error).__name__)
