"""HTTP as the platform needs it: the internal load balancer's address, the real name's certificate, retries."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from generator.base.errors import NewserviceError, PreflightError, SystemFailure
from generator.base.external import MOST_JSON_BYTES, ExternalTextError, read_bounded, read_json
from generator.base.lazy_import import lazily
from generator.clients.patience import Patience
from generator.clients.proxies import proxy_for
from generator.platform.profile import Pin, Platform

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazily("httpx")

Given = TypeVar("Given")

MOST_PAGES = 100
"""Pages of one list."""

PAGES_TIME = 10
"""All pages of one list may take as long as so many requests."""

_READING = frozenset({"GET", "HEAD", "LIST"})

# Statuses of a system, or of a proxy in front of it, that may be temporary.
_PASSING = frozenset({429, 500, 502, 503, 504})

# Of these, the statuses that prove that nothing was done. A 503 may come from a proxy in front of a server that acted.
_UNDONE = frozenset({429})


_CONTEXTS: dict[bytes | None, ssl.SSLContext] = {}
"""By the authority's content: reading the system's authorities takes longer than a request."""


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """A context that always checks certificates: against the system's authorities, and ``ca_file`` if there is one.

    Raises ``PreflightError`` for a bad file.
    """
    try:
        content = read_bounded(Path(ca_file), MOST_JSON_BYTES) if ca_file else None
        if content not in _CONTEXTS:
            context = ssl.create_default_context()
            if ca_file:
                context.load_verify_locations(ca_file)
            _CONTEXTS[content] = context
    except OSError as error:
        raise PreflightError(
            "platform.ca_file",
            f"the certificate authority {ca_file} can't be loaded: {error}",
            "correct connection.ca_file in the platform profile",
        ) from error
    return _CONTEXTS[content]


def http_client(
    platform: Platform, system: str, headers: dict[str, str], path: str = "", address: str = ""
) -> httpx.Client:
    """A client for one system of the platform, through the load balancer if the profile says so.

    ``address`` replaces the profile's; the load balancer serves the profile's hosts only. What it does not serve is
    reached through the proxy that the environment names, if any.
    """
    base = (address or platform.systems[system].url).rstrip("/")
    return client_for(platform, base, headers, path, system)


def client_for(
    platform: Platform, base: str, headers: dict[str, str], path: str = "", system: str = "resolver"
) -> httpx.Client:
    """A client for an address, through the load balancer where that serves it for ``system``.

    Raises ``PreflightError`` for an address that is none.
    """
    from generator.clients.bounded import ENCODING, BoundedTransport  # its base class is from httpx

    try:
        host = httpx.URL(base).host
    except httpx.InvalidURL as error:
        raise PreflightError(
            f"{system}.address",
            f"{system}: {base} is not a valid address: {error}",
            "correct it in the profile or environment",
        ) from error
    pin = platform.pin(system, host) if system in platform.systems else None
    return httpx.Client(
        base_url=base + path,
        headers={"Accept-Encoding": ENCODING, **headers},
        timeout=platform.connection.timeout_seconds,
        transport=BoundedTransport(transport_to(base, host, pin, tls_context(platform.connection.ca_file))),
        trust_env=False,
    )


def transport_to(base: str, host: str, pin: Pin | None, context: ssl.SSLContext) -> httpx.BaseTransport:
    """How requests for one host get there: to the pinned address, or through the environment's proxy, if any."""
    # Their base classes are from httpx.
    from generator.clients.bounded import timed
    from generator.clients.pinned import PinnedTransport
    from generator.clients.proxied import ProxiedTransport

    if pin:
        return PinnedTransport(host, pin, context)
    proxy = proxy_for(base)
    return ProxiedTransport(proxy, context) if proxy else timed(httpx.HTTPTransport(verify=context, trust_env=False))


class Api:
    """Requests to one system, with its failures as ``NewserviceError``, retried where that is safe.

    ``within`` follows the address in messages: a part of the system that the address does not name. ``unaccepted``
    says why a system that answers anything but 401 does not accept the credential, or nothing. ``moved`` is the
    system's own error for a redirect from one address to another, which is never followed.
    """

    def __init__(
        self,
        system: str,
        client: httpx.Client,
        credential: str,
        patience: Patience,
        within: str = "",
        unaccepted: Callable[[httpx.Response], str] = lambda _: "",
        moved: Callable[[httpx.URL, httpx.URL], NewserviceError | None] = lambda _, __: None,
    ) -> None:
        self.system = system
        self._client = client
        self._credential = credential
        self._patience = patience
        self._within = within
        self._unaccepted = unaccepted
        self._moved = moved

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(self, method: str, path: str, *, allow: tuple[int, ...] = (), **options: Any) -> httpx.Response:
        """Send one request; statuses in ``allow`` are returned like 2xx, all others raise.

        Reads are retried; a change only if it certainly did not happen. Raises ``PreflightError`` for
        a refused credential and ``SystemFailure`` for everything else.
        """
        return self._patience(lambda: self._send(method, path, allow, options), repeatable=method in _READING)

    def _send(self, method: str, path: str, allow: tuple[int, ...], options: Mapping[str, Any]) -> httpx.Response:
        where = self._where(method, f"{self._client.base_url.path.rstrip('/')}{path}")
        try:
            response = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise no_answer(self.system, where, error) from error
        if response.is_success or response.status_code in allow:
            return response
        raise self._failure(where, response)

    def read(self, method: str, path: str, parse: Callable[[Any], Given], **options: Any) -> Given:
        """Send a request as ``request`` does, and parse its body. Raises the same as ``request`` and ``understood``."""
        return self.understood(self.request(method, path, **options), parse)

    def find(
        self,
        method: str,
        path: str,
        parse: Callable[[Any], Given],
        *,
        missing: tuple[int, ...] = (HTTPStatus.NOT_FOUND,),
        **options: Any,
    ) -> Given | None:
        """Like ``read``, but None if the status is one of ``missing``; a body alone never means that nothing exists."""
        response = self.request(method, path, allow=missing, **options)
        return None if response.status_code in missing else self.understood(response, parse)

    def pages(
        self,
        path: str,
        parse: Callable[[Any], Given],
        query: Mapping[str, Any],
        *,
        missing: tuple[int, ...] = (),
    ) -> Iterator[Given]:
        """The pages of a list, until the caller has enough of them, or one has a status in ``missing``.

        Raises ``SystemFailure`` after ``MOST_PAGES``, for a page that repeats the one before it, and where all of
        them take too long.
        """
        before: Given | None = None
        duration = PagesTime(self.system, f"GET {path}", self._client.timeout.read)
        for page in range(1, MOST_PAGES + 1):
            with duration.counted():
                found = self.find("GET", path, parse, params={**query, "page": page}, missing=missing)
            if found is None:
                return
            if found == before:
                break
            yield found
            before = found
        raise too_many_pages(self.system, f"GET {path}")

    def understood(self, response: httpx.Response, parse: Callable[[Any], Given]) -> Given:
        """The result of ``parse`` for the body. Raises ``SystemFailure`` if it is not JSON, or of another shape."""
        data = self.parsed(response)
        try:
            return parse(data)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            asked = f"{response.request.method} {response.request.url.path}"
            raise SystemFailure(
                f"{self.system}.not_json",
                f"{self.system}: {asked} answered {response.status_code} with JSON that is not what {self.system} says",
                "the address or the path is wrong, or a proxy answered; check the platform profile",
            ) from error

    def parsed(self, response: httpx.Response) -> Any:
        """The body of a response as JSON. Raises ``SystemFailure`` if it is not JSON."""
        try:
            return read_json(response.content)
        except ExternalTextError as error:
            raise self.misunderstood(response, f"JSON: {error}") from error

    def misunderstood(self, response: httpx.Response, expected: str) -> SystemFailure:
        """The error for an answer that is not what the system says there, but what a proxy or another server would."""
        kind = response.headers.get("content-type", "no content type")
        asked = f"{response.request.method} {response.request.url.path}"
        return SystemFailure(
            f"{self.system}.not_json",
            f"{self.system}: {asked} answered {response.status_code} with {kind} instead of {expected}",
            "the address or the path is wrong, or a proxy answered; check the platform profile",
        )

    def failure(self, response: httpx.Response) -> NewserviceError:
        """The error for an answer that ``request`` returned because its status was allowed."""
        return self._failure(self._where(response.request.method, response.request.url.path), response)

    def _where(self, method: str, path: str) -> str:
        return f"{self.system}: {method} {self._client.base_url.host}{path}{self._within}"

    def _failure(self, where: str, response: httpx.Response) -> NewserviceError:
        status = response.status_code
        detail = _message(response)
        unaccepted = self._unaccepted(response)
        if response.next_request is not None:
            return self._redirected(where, response, response.next_request.url)
        if status == HTTPStatus.UNAUTHORIZED or unaccepted:
            return PreflightError(
                f"{self.system}.unauthorized",
                f"{where} answered {status}: {unaccepted or 'the credential was not accepted'}",
                f"renew {self._credential}",
            )
        if status == HTTPStatus.FORBIDDEN:
            return PreflightError(
                f"{self.system}.forbidden",
                f"{where} answered 403{detail}",
                f"give the token in {self._credential} the scope that this needs",
            )
        after = wait_asked(response.headers)
        return SystemFailure(
            f"{self.system}.failed",
            f"{where} answered {status}{detail}{f', and asks to wait {after:.0f} s' if after else ''}",
            "nothing is lost: fix what is named here and run the same command again",
            passing=status in _PASSING,
            undone=status in _UNDONE,
            after=after,
        )

    def _redirected(self, where: str, response: httpx.Response, target: httpx.URL) -> NewserviceError:
        if moved := self._moved(response.request.url, target):
            return moved
        return SystemFailure(
            f"{self.system}.failed",
            f"{where} answered {response.status_code}, a redirect to {target.scheme}://{target.netloc.decode()}, which "
            "is not followed: it would get the credential",
            f"correct the address of {self.system} in the profile or environment, or the proxy or load balancer that "
            "answers for it",
        )


def wait_asked(headers: Mapping[str, str]) -> float:
    """Seconds that a ``Retry-After`` header asks to wait, in either of its forms (RFC 9110, 10.2.3); 0 without one."""
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        return max(parsedate_to_datetime(asked).timestamp() - time.time(), 0) if asked else 0
    except (ValueError, TypeError, LookupError, OverflowError):
        return 0


def no_answer(system: str, where: str, error: httpx.HTTPError) -> SystemFailure:
    """The failure for a request without an answer that could be read; ``where`` says of which request."""
    from generator.clients.bounded import TooLargeError  # its base class is from httpx

    if isinstance(error, httpx.TimeoutException):
        return SystemFailure(
            f"{system}.timeout",
            f"{where} did not answer in time",
            "check whether the system is up, then run the same command again",
            passing=True,
            undone=isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout),
        )
    if isinstance(error, httpx.DecodingError):
        message = f"{where} gave an answer that {system} does not give: {error}"
        hint = "the address or the path is wrong, or a proxy answered; check the platform profile"
        if isinstance(error, TooLargeError):
            return SystemFailure(f"{system}.too_large", message, hint)
        return SystemFailure(f"{system}.not_json", message, hint)
    if isinstance(error, httpx.ProxyError):
        return SystemFailure(
            f"{system}.unreachable",
            f"{where} could not be reached: {error}",
            "correct user and password in the variable that names the proxy, or name the host in NO_PROXY",
        )
    # The error for a request that can't be written quotes its headers, which contain the token.
    reason = type(error).__name__ if isinstance(error, httpx.LocalProtocolError) else str(error)
    return SystemFailure(
        f"{system}.unreachable",
        f"{where} could not be reached: {reason or type(error).__name__}",
        "check the network, the load balancer and its certificate, then run the same command again",
        passing=isinstance(error, httpx.TransportError) and not is_distrusted(error),
        undone=isinstance(error, httpx.ConnectError),
    )


def too_many_pages(system: str, what: str) -> SystemFailure:
    """The failure for a list that has no end: each page leads to another one, or to itself."""
    return SystemFailure(
        f"{system}.too_many_pages",
        f"{system}: {what} has more than {MOST_PAGES} pages, or repeats one",
        "the address or the path is wrong, or a proxy answered; check the platform profile",
    )


class PagesTime:
    """How long the pages of one list took so far. ``seconds`` is the timeout of one request; None: there is none."""

    def __init__(self, system: str, what: str, seconds: float | None) -> None:
        self.system = system
        self._what = what
        self._most = None if seconds is None else PAGES_TIME * seconds
        self._spent = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what the request for one page takes. Raises ``SystemFailure`` where the time for all is over."""
        if self._most is not None and self._spent > self._most:
            raise SystemFailure(
                f"{self.system}.timeout",
                f"{self.system}: the pages of {self._what} take longer than {self._most:g} seconds in all",
                "check whether the system is slow, then run the same command again",
            )
        begun = time.monotonic()
        try:
            yield
        finally:
            self._spent += time.monotonic() - begun


def is_distrusted(error: BaseException) -> bool:
    """Whether a certificate was refused: a retry would get the same one."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and everything that led to it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _message(response: httpx.Response) -> str:
    """The system's error message in one short line; empty if the body is neither JSON nor plain text."""
    kind = response.headers.get("content-type", "")
    message: Any = ""
    if "json" in kind:
        try:
            body = read_json(response.content)
        except ExternalTextError:
            return ""
        if isinstance(body, dict):
            message = body.get("message") or body.get("errors") or body.get("error") or ""
    elif "text/plain" in kind:
        message = response.text
    line = " ".join("; ".join(map(str, message)).split() if isinstance(message, list) else str(message).split())
    return f": {line[:200]}" if line else ""
