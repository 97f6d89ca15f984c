"""The way to a system, before any request: the load balancer, and the certificate of each name."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError
from generator.clients.proxies import proxy_for
from generator.clients.transport import tls_context
from generator.platform.profile import Pin, Platform

BALANCER = "loadbalancer"

SOON_DAYS = 14
"""A certificate that expires sooner is reported: those that renew themselves have done so by then."""

_DAY = 86400.0
_EXPIRED, _OTHER_NAME = 10, 62  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_HOSTNAME_MISMATCH


@dataclass(frozen=True)
class Place:
    """Where a system's certificate is shown: its name, and the address that TCP goes to; ``own_port`` is its URL's."""

    host: str
    address: str
    port: int
    pinned: bool = False
    plain: bool = False
    proxied: bool = False
    own_port: int = 443

    def __str__(self) -> str:
        return f"{self.host} at {self.address}:{self.port}" if self.pinned else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Line:
    """The result of a connection: when the certificate expires, or one of three failures.

    ``unconnected``: no TCP connection. ``broken``: no TLS. ``distrusted``: a certificate that is refused, with
    OpenSSL's number for the reason.
    """

    until: float = 0.0
    unconnected: str = ""
    broken: str = ""
    distrusted: str = ""
    reason: int = 0

    @property
    def trusted(self) -> bool:
        """Whether requests may be sent over it."""
        return not (self.unconnected or self.broken or self.distrusted)


def place_of(platform: Platform, system: str, url: str) -> Place:
    """Where ``system`` is reached at ``url``: through the load balancer only under the profile's own name.

    Raises ``PreflightError`` for an invalid address.
    """
    parts = urlsplit(url)
    host, plain = parts.hostname or "", parts.scheme == "http"
    if not host or parts.scheme not in ("http", "https"):
        message = f"{system}: {url} is not a valid address"
        raise PreflightError(f"{system}.address", message, "correct it in the profile or environment")
    pin = platform.pin(system, host)
    port = parts.port or (80 if plain else 443)
    if pin:
        return Place(host, pin.address, pin.port, pinned=True, plain=plain, own_port=port)
    return Place(host, host, port, plain=plain, proxied=proxy_for(url) is not None, own_port=port)


def observe_line(place: Place, ca_file: str | None, seconds: float) -> Line:
    """Connect and shake hands as the clients do. Raises ``PreflightError`` for an authority that can't be loaded."""
    if place.plain or place.proxied:
        return Line()
    context = tls_context(ca_file)
    try:
        with _connected(place.address, place.port, seconds) as connection:
            return _handshake(context, connection, place.host)
    except OSError as error:
        return Line(unconnected=_cause(error))


def judge_certificate(system: str, place: Place, line: Line, now: float) -> Check:
    """The right name, a trusted chain, and days left. Without TLS only this machine itself is acceptable."""
    name = f"{system}.certificate"
    if place.proxied:
        return Check(name, CheckState.SKIPPED, f"{place.host} is reached through a proxy")
    if place.plain and _loopback(place.address):
        return Check(name, CheckState.SKIPPED, f"{place} speaks plain http on this machine")
    if place.plain:
        summary = f"{place} speaks plain http: tokens would cross the network unencrypted"
        return Check(name, CheckState.FAILED, summary, f"use https for {system}")
    if line.unconnected:
        return Check(name, CheckState.UNKNOWN, f"{place} could not be seen: {line.unconnected}")
    if line.broken:
        summary = f"{place} does not speak TLS for this name: {line.broken}"
        return Check(name, CheckState.FAILED, summary, _where_to_look(system, place))
    if line.distrusted:
        summary = f"the certificate of {place} is refused: {line.distrusted}"
        return Check(name, CheckState.FAILED, summary, _remedy(system, place, line.reason))
    days = int((line.until - now) // _DAY)
    if days < SOON_DAYS:
        summary = f"the certificate of {place} expires in {days} days"
        return Check(name, CheckState.WAITING, summary, "find out why it was not renewed")
    return Check(name, CheckState.OK, f"{place}, trusted for {days} days more")


def judge_unreached(system: str, place: Place, line: Line) -> Check:
    """No request goes over a connection that failed, or that leads to the wrong server."""
    name = f"{system}.reachable"
    if line.unconnected:
        remedy = f"{_where_to_look(system, place)}; check the network (VPN?)"
        return Check(name, CheckState.FAILED, f"no connection to {place}: {line.unconnected}", remedy)
    return Check(name, CheckState.UNKNOWN, f"not asked: see {system}.certificate")


def observe_balancer(pin: Pin, seconds: float) -> str:
    """Why the load balancer accepts no connection; empty where it does."""
    try:
        with _connected(pin.address, pin.port, seconds):
            return ""
    except OSError as error:
        return _cause(error)


def judge_balancer(pin: Pin, failure: str, git: Place) -> Check:
    """It accepts connections, and git reaches it: git can be sent to another address, but not to another port."""
    place = f"{pin.address}:{pin.port}"
    if failure:
        remedy = "check the network (VPN?), and connection.load_balancer in the profile"
        return Check(BALANCER, CheckState.FAILED, f"{place} accepts no connections: {failure}", remedy)
    if git.pinned and git.own_port != pin.port:
        summary = f"{place} accepts connections, but git goes to port {git.own_port}, as forgejo.url says"
        return Check(BALANCER, CheckState.FAILED, summary, "use the same port for both in the profile")
    return Check(BALANCER, CheckState.OK, f"{place} accepts connections")


def now() -> float:
    """The time that certificates are checked against."""
    return time.time()


@contextmanager
def _connected(address: str, port: int, seconds: float) -> Iterator[socket.socket]:
    connection = socket.create_connection((address, port), timeout=seconds)
    with connection:
        yield connection


def _handshake(context: ssl.SSLContext, connection: socket.socket, host: str) -> Line:
    try:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            until = str((secured.getpeercert() or {})["notAfter"])
    except ssl.SSLCertVerificationError as error:
        return Line(distrusted=error.verify_message.rstrip("."), reason=error.verify_code)
    except (OSError, ValueError) as error:
        return Line(broken=_cause(error))
    return Line(until=ssl.cert_time_to_seconds(until))


def _remedy(system: str, place: Place, reason: int) -> str:
    if reason == _EXPIRED:
        return "renew it, and check this machine's clock"
    if reason == _OTHER_NAME:
        return _where_to_look(system, place)
    return "name its authority as connection.ca_file in the profile, if it is the right one"


def _where_to_look(system: str, place: Place) -> str:
    """Where to look when another server answers: the address is wrong, or the load balancer lacks the name."""
    if place.pinned:
        return f"check that the load balancer serves {place.host}, and connection.load_balancer in the profile"
    return f"check the address of {system} in the profile, and that {place.host} leads to it"


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no TLS").replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
