"""HTTP as the platform needs it: the internal load balancer's address, the real name's certificate."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

from generator.errors import NewserviceError, PreflightError, SystemFailure
from generator.platform import Pin, Platform


class PinnedTransport(httpx.BaseTransport):
    """Sends the requests for one host to a fixed address; SNI, Host and certificate checks stay on the real name.

    One transport serves one host only: a connection that was checked for one name is never used for another.
    """

    def __init__(self, host: str, pin: Pin, context: ssl.SSLContext) -> None:
        self._host = host
        self._pin = pin
        self._inner = httpx.HTTPTransport(verify=context, trust_env=False)

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


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Certificates are always checked: against the system's authorities, and ``ca_file`` where one is named."""
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise PreflightError(
                "platform.ca_file",
                f"the certificate authority {ca_file} can't be loaded: {error}",
                "correct connection.ca_file in the platform profile",
            ) from error
    return context


def http_client(
    platform: Platform, system: str, headers: dict[str, str], path: str = "", address: str = ""
) -> httpx.Client:
    """A client for one system of the platform, through the load balancer where the profile says so.

    ``address`` takes the place of the profile's; the load balancer serves the profile's hosts only.
    """
    context = tls_context(platform.ca_file)
    base = (address or platform.url(system)).rstrip("/")
    try:
        host = httpx.URL(base).host
    except httpx.InvalidURL as error:
        raise PreflightError(
            f"{system}.address", f"{system}: {base} is no address: {error}", "correct it in the profile or environment"
        ) from error
    pin = platform.pin(system) if host == platform.host(system) else None
    transport: httpx.BaseTransport = PinnedTransport(host, pin, context) if pin else httpx.HTTPTransport(verify=context)
    return httpx.Client(
        base_url=base + path,
        headers=headers,
        timeout=float(platform.connection["timeout_seconds"]),
        transport=transport,
        trust_env=False,
    )


class Api:
    """Requests to one system, with its failures as ``NewserviceError``."""

    def __init__(self, system: str, client: httpx.Client, credential: str) -> None:
        self.system = system
        self._client = client
        self._credential = credential

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(self, method: str, path: str, *, allow: tuple[int, ...] = (), **options: Any) -> httpx.Response:
        """Send one request; statuses of ``allow`` are handed back beside the 2xx, all others raise.

        Raises ``PreflightError`` for a refused credential and ``SystemFailure`` for everything else.
        """
        where = f"{self.system}: {method} {self._client.base_url.host}{self._client.base_url.path.rstrip('/')}{path}"
        try:
            response = self._client.request(method, path, **options)
        except httpx.TimeoutException as error:
            raise SystemFailure(
                f"{self.system}.timeout", f"{where} did not answer in time", "try the same command again"
            ) from error
        except httpx.HTTPError as error:
            # A request that can't even be written quotes its headers, and they hold the token.
            told = type(error).__name__ if isinstance(error, httpx.LocalProtocolError) else str(error)
            raise SystemFailure(
                f"{self.system}.unreachable",
                f"{where} could not be reached: {told}",
                "check the network, the load balancer and its certificate, then run the same command again",
            ) from error
        if response.is_success or response.status_code in allow:
            return response
        raise self._failure(where, response)

    def json(self, method: str, path: str, *, allow: tuple[int, ...] = (), **options: Any) -> Any:
        """As ``request``, the body parsed; None for one of ``allow``. Raises when the body is no JSON."""
        response = self.request(method, path, allow=allow, **options)
        if response.status_code in allow and not response.is_success:
            return None
        return self.parsed(response)

    def parsed(self, response: httpx.Response) -> Any:
        """The body of a response as JSON. Raises ``SystemFailure`` when it is none."""
        try:
            return response.json()
        except ValueError as error:
            kind = response.headers.get("content-type", "no content type")
            asked = f"{response.request.method} {response.request.url.path}"
            raise SystemFailure(
                f"{self.system}.not_json",
                f"{self.system}: {asked} answered {response.status_code} with {kind} instead of JSON",
                "the address or the path is wrong, or a proxy answered; check the platform profile",
            ) from error

    def _failure(self, where: str, response: httpx.Response) -> NewserviceError:
        status = response.status_code
        told = _message(response)
        if status == httpx.codes.UNAUTHORIZED:
            return PreflightError(
                f"{self.system}.unauthorized",
                f"{where} answered 401: the credential was not accepted",
                f"renew {self._credential}",
            )
        if status == httpx.codes.FORBIDDEN:
            return PreflightError(
                f"{self.system}.forbidden",
                f"{where} answered 403{told}",
                f"give the token in {self._credential} the scope that this needs",
            )
        return SystemFailure(
            f"{self.system}.failed",
            f"{where} answered {status}{told}",
            "nothing is lost: mend what is named here and run the same command again",
        )


def _message(response: httpx.Response) -> str:
    """What the system said, when it said it in a form for people: one line, not too long."""
    kind = response.headers.get("content-type", "")
    told: Any = ""
    if "json" in kind:
        try:
            body = response.json()
        except ValueError:
            return ""
        if isinstance(body, dict):
            told = body.get("message") or body.get("errors") or body.get("error") or ""
    elif "text/plain" in kind:
        told = response.text
    line = " ".join("; ".join(map(str, told)).split() if isinstance(told, list) else str(told).split())
    return f": {line[:200]}" if line else ""
