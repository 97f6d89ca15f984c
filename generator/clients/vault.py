"""Vault's KV version 2 engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from generator.base.errors import NewserviceError
from generator.base.memo import run_parallel
from generator.base.secrets import Secret, learn
from generator.clients.patience import Patience
from generator.clients.shapes import fields, listed, number
from generator.clients.transport import Api, http_client
from generator.clients.vault_mounts import NAMESPACE_HEADER, Mount, Mounts, error_words
from generator.platform.profile import Platform
from generator.platform.vault_location import VaultLocation, vault_location

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class Entry:
    """The current state of a secret: its version (0 if none exists), the names of its properties, and all as JSON.

    ``created`` is when Vault stored the version, to the nanosecond; ``notes`` is the secret's custom metadata;
    ``location`` is the Vault and namespace that it was read from.
    """

    version: int
    names: frozenset[str]
    content: Secret
    created: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)
    location: VaultLocation = field(default_factory=VaultLocation)

    def value(self, name: str) -> Secret | None:
        """One property as text, or None."""
        found = json.loads(self.content.reveal()).get(name)
        return None if found is None else Secret(found if isinstance(found, str) else json.dumps(found))


@dataclass(frozen=True)
class TokenFacts:
    """What Vault reports about a token: its name, its policies, and its remaining seconds (0: it does not expire)."""

    name: str
    policies: tuple[str, ...]
    seconds: int


class Vault:
    """Client of one Vault and namespace, those of ``location`` or the profile's. Paths start with the mount.

    Every method that takes a path first asks Vault which mount it leads to, once for each mount, and raises
    ``PreflightError`` unless that is a KV version 2 mount that the token may see: nothing is written elsewhere.
    """

    def __init__(
        self,
        platform: Platform,
        token: Secret,
        source: str = "VAULT_TOKEN",
        location: VaultLocation | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.location = location or vault_location(platform, {})
        headers = {"X-Vault-Token": token.reveal()}
        if self.location.namespace:
            headers[NAMESPACE_HEADER] = self.location.namespace
        client = http_client(platform, "vault", headers, "/v1", self.location.address)
        self._api = Api("vault", client, source, patience or Patience.of(platform), self.location.within)
        self._mounts = Mounts(self._api, self.location, source)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def mount(self, path: str) -> Mount:
        """The mount that holds the secret ``path``, as it is now."""
        return self._mounts.look(path)

    def read(self, path: str) -> Entry:
        """The secret at ``path``, empty if it does not exist or was deleted: both are a 404."""
        response = self._secret(path) if self._mounts.known(path) else self._likely_secret(path)
        entry = self._api.understood(response, _deleted if self._misses(response) else _entry)
        return replace(entry, location=self.location)

    def _secret(self, path: str) -> httpx.Response:
        return self._api.request("GET", self._address(path), allow=(404,))

    def _likely_secret(self, path: str) -> httpx.Response:
        """Read it where it most likely is, while asking Vault which mount the path leads to.

        The answer counts only if the mount is the path's first segment: only then was it the right place.
        """
        first, _, rest = path.partition("/")
        likely: list[httpx.Response | NewserviceError] = []

        def try_it() -> None:
            try:
                likely.append(self._api.request("GET", quote(f"/{first}/data/{rest}"), allow=(404,)))
            except NewserviceError as error:
                likely.append(error)

        run_parallel(partial(self._mounts.holding, path), try_it)
        if self._mounts.holding(path).path != f"{first}/":
            return self._secret(path)
        if isinstance(likely[0], NewserviceError):
            raise likely[0]
        return likely[0]

    def add(self, path: str, entry: Entry, properties: dict[str, Secret]) -> None:
        """Write ``properties`` beside those of ``entry``, which must still be the newest version.

        Check-and-set: if someone else wrote in between, Vault refuses and nothing is overwritten.
        """
        added = {name: value.reveal() for name, value in properties.items()}
        body = {"options": {"cas": entry.version}, "data": {**added, **json.loads(entry.content.reveal())}}
        self._api.request("POST", self._address(path), json=body)

    def replace(self, path: str, entry: Entry, properties: Mapping[str, Secret]) -> None:
        """Write a version of the secret in which only ``properties`` differ from ``entry``, the newest version.

        Check-and-set as in ``add``. If the token is not allowed to ``patch`` the secret, or Vault is too old or has no
        such secret, all properties are sent.
        """
        address, options = self._address(path), {"cas": entry.version}
        new = {name: value.reveal() for name, value in properties.items()}
        kind = {"Content-Type": "application/merge-patch+json"}
        body = {"options": options, "data": new}
        answer = self._api.request("PATCH", address, json=body, headers=kind, allow=(403, 404, 405))
        if not answer.is_success:
            data = {**json.loads(entry.content.reveal()), **new}
            answer = self._api.request("POST", address, json={"options": options, "data": data})
        self._api.understood(answer, lambda body: number(fields(body["data"])["version"]))

    def keeps(self, path: str, version: int) -> bool:
        """Whether a version of the secret can still be read."""
        answer = self._api.request("GET", self._address(path), params={"version": version}, allow=(404,))
        return not self._misses(answer) and self._api.understood(answer, _entry).version == version

    def token(self) -> TokenFacts:
        """What Vault reports about this token. Raises ``PreflightError`` if it is not accepted."""
        return self._api.read("GET", "/auth/token/lookup-self", _token)

    def capabilities(self, path: str) -> frozenset[str]:
        """What this token may do with the secret at ``path``. A POST, but one that changes nothing."""
        return self._capabilities(path)

    def note(self, path: str, notes: Mapping[str, str]) -> None:
        """Add to the custom metadata of a secret; its other notes and its versions stay as they are.

        If the token is not allowed to ``patch`` the metadata, or Vault is too old, they are read and rewritten.
        Raises ``PreflightError`` if the token can't do that either (``create`` and ``update`` on the metadata).
        """
        address, body = self._address(path, "metadata"), {"custom_metadata": dict(notes)}
        kind = {"Content-Type": "application/merge-patch+json"}
        answer = self._api.request("PATCH", address, json=body, headers=kind, allow=(403, 404, 405))
        if not answer.is_success:
            standing = {} if self._misses(answer) else self._notes(path)
            answer = self._api.request("POST", address, json={"custom_metadata": {**standing, **notes}})
        if answer.status_code != HTTPStatus.NO_CONTENT:  # Vault may add warnings; an HTML page is not from Vault
            self._api.understood(answer, fields)

    def _notes(self, path: str) -> Mapping[str, str]:
        """The custom metadata, from the metadata itself or, if that can't be read, as returned with the secret."""
        response = self._api.request("GET", self._address(path, "metadata"), allow=(403, 404))
        if response.status_code == 403:
            return self.read(path).notes
        return {} if self._misses(response) else self._api.understood(response, lambda body: _custom(body["data"]))

    def delete(self, path: str, version: int) -> None:
        """Delete exactly this version of a secret; ``vault kv undelete`` restores it."""
        self._api.request("POST", self._address(path, "delete"), json={"versions": [version]})

    def may_delete(self, path: str) -> bool:
        """Whether this token may delete a version of the secret. A POST, but one that changes nothing."""
        return not {"update", "root"}.isdisjoint(self._capabilities(path, "delete"))

    def _capabilities(self, path: str, kind: str = "data") -> frozenset[str]:
        asked = self._place(path, kind)

        def parse(body: Any) -> frozenset[str]:
            return frozenset(map(str, listed((body.get("data") or body)[asked])))

        return self._api.read("POST", "/sys/capabilities-self", parse, json={"paths": [asked]})

    def _address(self, path: str, kind: str = "data") -> str:
        return f"/{quote(self._place(path, kind))}"

    def _place(self, path: str, kind: str) -> str:
        """A secret's API path, as policies write it: ``kind`` is inserted after the mount."""
        mount = self._mounts.holding(path).path
        return f"{mount}{kind}/{path.removeprefix(mount)}"

    def _misses(self, response: httpx.Response) -> bool:
        """Whether an answer says that nothing exists: a 404 without an error message.

        Raises ``SystemFailure`` for one with a message: something else is missing, such as the mount.
        """
        if response.status_code == HTTPStatus.NOT_FOUND and self._api.understood(response, _words):
            raise self._api.failure(response)
        return response.status_code == HTTPStatus.NOT_FOUND


def _words(body: Any) -> list[str]:
    """The messages of an error; the answer for a deleted version has metadata instead."""
    return [] if fields(body).get("data") is not None else error_words(body)


def _entry(body: Any) -> Entry:
    """A secret with its newest version. If the version was deleted, ``data`` may be null next to its metadata."""
    outer = fields(body["data"])
    properties = {} if outer["data"] is None else fields(outer["data"])
    metadata = outer["metadata"]
    version, created = number(metadata["version"]), str(metadata.get("created_time") or "")
    for value in properties.values():
        learn(value if isinstance(value, str) else json.dumps(value))
    return Entry(version, frozenset(properties), Secret(json.dumps(properties)), created, _custom(metadata))


def _deleted(body: Any) -> Entry:
    """The secret that a 404 describes: a deleted version's metadata, or no errors if there never was one."""
    if body.get("data") is not None:
        return _entry(body)
    return Entry(0, frozenset(), Secret("{}"))


def _custom(metadata: Any) -> dict[str, str]:
    return dict(fields(metadata).get("custom_metadata") or {})


def _token(body: Any) -> TokenFacts:
    data = body["data"]
    policies = [*listed(data["policies"], null=True), *listed(data.get("identity_policies"), null=True)]
    return TokenFacts(str(data.get("display_name") or ""), tuple(map(str, policies)), number(data["ttl"]))
