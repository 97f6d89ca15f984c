"""Public DNS, asked over HTTPS in JSON: this machine's own resolver may know names that nobody outside does."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from generator.clients.patience import Patience
from generator.clients.transport import Api, client_for
from generator.platform.profile import Platform

_TYPES = {"A": 1, "AAAA": 28}
_NO_ERROR, _NO_SUCH_NAME = 0, 3


class PublicDns:
    """Client of the resolver that the profile names under ``connection.outside``."""

    def __init__(self, platform: Platform, resolver: str) -> None:
        parts = urlsplit(resolver)
        client = client_for(platform, f"{parts.scheme}://{parts.netloc}", {"Accept": "application/dns-json"})
        self._path = parts.path or "/"
        patience = replace(Patience.of(platform), attempts=2)  # what is seen from outside comes on top
        self._api = Api("resolver", client, "connection.outside.resolver", patience)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def addresses(self, name: str) -> tuple[str, ...]:
        """The name's addresses, those of IPv4 first; empty where it has none.

        Raises ``SystemFailure`` where the resolver can't say, ``PreflightError`` where it refuses to answer.
        """
        found: list[str] = []
        for kind, number in _TYPES.items():
            query = {"name": name, "type": kind}
            found += self._api.read("GET", self._path, partial(_addresses, wanted=number), params=query)
        return tuple(found)


def _addresses(data: Any, wanted: int) -> list[str]:
    status = int(data["Status"])
    if status not in (_NO_ERROR, _NO_SUCH_NAME):
        raise ValueError(f"DNS status {status}")  # such as SERVFAIL
    records = [str(item["data"]) for item in data.get("Answer") or [] if int(item["type"]) == wanted]
    return [str(ipaddress.ip_address(record)) for record in records]
