"""The proxy that the environment names for an address: one answer for every client, HTTP and git alike.

Libraries read these variables differently, so none of them does here. Pinned systems never ask. ``HTTP_PROXY`` is not
read: a web server sets it from a request.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote, urlsplit

from generator.base.errors import PreflightError
from generator.base.secrets import Secret

REFUSED_BY_PROXY = ("401", "403", "407")
"""Statuses with which a proxy refuses a person or a host. Another attempt gets the same, and may lock an account."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Proxy:
    """A proxy. ``url`` may hold user and password, so it is never shown; ``str`` names it without them."""

    url: str = field(repr=False)
    shown: str

    def __str__(self) -> str:
        return self.shown


def proxy_for(url: str, environ: Mapping[str, str] = os.environ) -> Proxy | None:
    """The proxy for an address; None where it is reached directly, as this machine itself always is.

    Lower-case variables come first, and the one for the address's own scheme before ``all_proxy``. Raises
    ``PreflightError`` for a variable that names no HTTP proxy.
    """
    parts = urlsplit(url)
    host, scheme = (parts.hostname or "").lower().rstrip("."), parts.scheme.lower()
    port = parts.port or _PORTS.get(scheme, 0)
    names = [f"{scheme}_proxy", *([f"{scheme}_proxy".upper()] if scheme != "http" else []), "all_proxy", "ALL_PROXY"]
    name = next((name for name in names if environ.get(name, "").strip()), "")
    if not name or _is_loopback(host) or _excepted(host, port, environ):
        return None
    return _proxy(name, environ[name].strip())


def _proxy(name: str, text: str) -> Proxy:
    """The proxy that a variable names; its credentials are known as secrets from here on."""
    address = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in _PORTS:
        raise PreflightError(
            "proxy.invalid",
            f"{name} names no HTTP proxy",
            f"set {name} to http://HOST:PORT or https://HOST:PORT, or name the host to be reached in NO_PROXY",
        )
    for credential in filter(None, (parts.password, unquote(parts.password or ""))):
        Secret(credential)
    where = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme.lower()}://{where}:{port or _PORTS[parts.scheme.lower()]}"
    return Proxy(address, f"{shown} ({name})")


def _excepted(host: str, port: int, environ: Mapping[str, str]) -> bool:
    """Whether ``no_proxy`` names a host: itself, its domain, its network, with or without its port, or ``*``."""
    listed = environ.get("no_proxy", "").strip() or environ.get("NO_PROXY", "")
    return any(_names(entry.lower(), host, port) for entry in listed.replace(",", " ").split())


def _names(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if address is not None:
        with suppress(ValueError):
            if address in ip_network(entry, strict=False):
                return True
    name, wanted = _split(entry)
    if wanted and wanted != str(port):
        return False
    if address is not None:
        return _address(name) == address
    domain = name.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _split(entry: str) -> tuple[str, str]:
    """Host and port of an entry; the port is empty where it has none."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    if entry.count(":") == 1:
        host, _, port = entry.partition(":")
        return host, port
    return entry, ""


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None
