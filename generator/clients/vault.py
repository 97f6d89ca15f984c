"""Vault's KV version 2 engine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from generator.clients.transport import Api, http_client
from generator.platform import Platform
from generator.secret import Secret


@dataclass(frozen=True)
class Entry:
    """A secret as it stands: its version, 0 where there is none, the names of its properties, and all as JSON."""

    version: int
    names: frozenset[str]
    content: Secret

    def value(self, name: str) -> Secret | None:
        """One property as text, or None."""
        found = json.loads(self.content.reveal()).get(name)
        return None if found is None else Secret(found if isinstance(found, str) else json.dumps(found))


class Vault:
    """Client of one Vault, at ``address`` or where the profile says. Paths start with the mount: ``secret/name``."""

    def __init__(self, platform: Platform, token: Secret, source: str = "VAULT_TOKEN", address: str = "") -> None:
        headers = {"X-Vault-Token": token.reveal()}
        self._api = Api("vault", http_client(platform, "vault", headers, "/v1", address), source)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def read(self, path: str) -> Entry:
        """The secret at ``path``, empty where there is none or where it was deleted."""
        response = self._api.request("GET", _address(path), allow=(404,))
        outer: dict[str, Any] = self._api.parsed(response).get("data") or {}
        properties: dict[str, Any] = outer.get("data") or {}
        version = int((outer.get("metadata") or {}).get("version", 0))
        return Entry(version, frozenset(properties), Secret(json.dumps(properties)))

    def add(self, path: str, entry: Entry, properties: dict[str, Secret]) -> None:
        """Write ``properties`` beside those of ``entry``, which must still be the newest version.

        Check-and-set: when somebody wrote in between, Vault refuses and nothing is overwritten.
        """
        added = {name: value.reveal() for name, value in properties.items()}
        body = {"options": {"cas": entry.version}, "data": {**added, **json.loads(entry.content.reveal())}}
        self._api.request("POST", _address(path), json=body)


def _address(path: str) -> str:
    mount, _, rest = path.partition("/")
    return f"/{mount}/data/{rest}"
