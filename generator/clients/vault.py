"""Vault's KV version 2 engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from generator.base.errors import NewserviceError, PreflightError
from generator.base.memo import run_parallel
from generator.base.secrets import Secret, learn
from generator.clients.patience import Patience
from generator.clients.shapes import fields, listed, number
from generator.clients.transport import Api, http_client
from generator.clients.vault_mounts import NAMESPACE_HEADER, Mount, Mounts
from generator.clients.vault_token import TokenFacts, denied, error_words, token_facts, unaccepted
from generator.platform.profile import Platform
from generator.platform.vault_location import VaultLocation, vault_location

if TYPE_CHECKING:
    import httpx

_REVISIONS = 3
"""How often a note is tried again with the version of the metadata, which others may change at the same time."""


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
        patience = patience or Patience.of(platform)
        self._api = Api("vault", client, source, patience, self.location.within, unaccepted)
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

        Check-and-set as in ``add``. If the token is not allowed to ``patch`` the secret, Vault is too old, or there is
        no version with properties to patch, all properties are sent.
        """
        address, options = self._address(path), {"cas": entry.version}
        new = {name: value.reveal() for name, value in properties.items()}
        body = {"options": options, "data": new}
        answer = self._patch(address, body, (403, 404, 405)) if entry.names else None
        if answer is None or not answer.is_success:
            data = {**json.loads(entry.content.reveal()), **new}
            answer = self._api.request("POST", address, json={"options": options, "data": data})
        self._api.understood(answer, lambda body: number(fields(body["data"])["version"]))

    def keeps(self, path: str, version: int) -> bool:
        """Whether a version of the secret can still be read."""
        answer = self._api.request("GET", self._address(path), params={"version": version}, allow=(404,))
        return not self._misses(answer) and self._api.understood(answer, _entry).version == version

    def token(self) -> TokenFacts | None:
        """What Vault reports about this token; None for one whose policies do not let it look itself up.

        That is a right of the policy ``default``, which a token may lack. Raises ``PreflightError`` for a token that
        Vault does not accept.
        """
        answer = self._api.request("GET", "/auth/token/lookup-self", allow=(403,))
        if denied(answer):
            return None
        if not answer.is_success:
            raise self._api.failure(answer)
        return self._api.understood(answer, token_facts)

    def capabilities(self, path: str) -> frozenset[str] | None:
        """What this token may do with the secret at ``path``. A POST, but one that changes nothing.

        None for a token that may not ask, which is a right of the policy ``default``.
        """
        return self._capabilities(path)

    def may_write(self, path: str) -> bool:
        """Whether this token may create the secret at ``path`` or, if it exists, update it; for one that may not ask.

        Found by trying: KV refuses a write without data in any case, but policies are checked first.
        """
        return self._lets_through(path, "data")

    def note(self, path: str, notes: Mapping[str, str]) -> None:
        """Add to the custom metadata of a secret; its other notes and its versions stay as they are.

        If the token is not allowed to ``patch`` the metadata, or Vault is too old, they are read and rewritten. Where
        the mount or the secret requires check-and-set for metadata (``metadata_cas_required``), it is used.
        Raises ``PreflightError`` if the token can't do that either (``create`` and ``update`` on the metadata).
        """
        answer = self._note(path, notes, {})
        for _ in range(_REVISIONS):
            if not _wants_revision(answer):
                break
            answer = self._note(path, notes, {"metadata_cas": self._revision(path)})
        if not answer.is_success:
            raise self._api.failure(answer)
        if answer.status_code != HTTPStatus.NO_CONTENT:  # Vault may add warnings; an HTML page is not from Vault
            self._api.understood(answer, fields)

    def _note(self, path: str, notes: Mapping[str, str], revision: Mapping[str, int]) -> httpx.Response:
        """One try; a 400 is returned."""
        address, body = self._address(path, "metadata"), {"custom_metadata": dict(notes), **revision}
        answer = self._patch(address, body, (400, 403, 404, 405))
        if answer.is_success or answer.status_code == HTTPStatus.BAD_REQUEST:
            return answer
        standing = {} if self._misses(answer) else self._notes(path)
        body = {"custom_metadata": {**standing, **notes}, **revision}
        return self._api.request("POST", address, json=body, allow=(400,))

    def _notes(self, path: str) -> Mapping[str, str]:
        """The custom metadata, from the metadata itself or, if that can't be read, as returned with the secret."""
        response = self._api.request("GET", self._address(path, "metadata"), allow=(403, 404))
        if response.status_code == 403:
            return self.read(path).notes
        return {} if self._misses(response) else self._api.understood(response, lambda body: _custom(body["data"]))

    def _revision(self, path: str) -> int:
        """The version of the metadata, which a change must name; 0 if there is none."""
        response = self._api.request("GET", self._address(path, "metadata"), allow=(403, 404))
        if denied(response):
            raise PreflightError(
                "vault.metadata_cas",
                f"vault: metadata of {path}{self.location.within} may only be changed by who names its version "
                "(metadata_cas_required), and the token is not allowed to read it",
                f"add `read` on {self._place(path, 'metadata')} to the token's policies, "
                "or set metadata_cas_required to false on the mount or secret",
            )
        if self._misses(response):
            return 0
        return self._api.understood(response, lambda body: number(body["data"].get("current_metadata_version") or 0))

    def _patch(self, address: str, body: Mapping[str, Any], allow: tuple[int, ...]) -> httpx.Response:
        kind = {"Content-Type": "application/merge-patch+json"}
        return self._api.request("PATCH", address, json=body, headers=kind, allow=allow)

    def delete(self, path: str, version: int) -> None:
        """Delete exactly this version of a secret; ``vault kv undelete`` restores it."""
        self._api.request("POST", self._address(path, "delete"), json={"versions": [version]})

    def may_delete(self, path: str) -> bool:
        """Whether this token may delete a version of the secret. POSTs, but such that change nothing."""
        held = self._capabilities(path, "delete")
        return self._lets_through(path, "delete") if held is None else not {"update", "root"}.isdisjoint(held)

    def _capabilities(self, path: str, kind: str = "data") -> frozenset[str] | None:
        asked = self._place(path, kind)
        answer = self._api.request("POST", "/sys/capabilities-self", json={"paths": [asked]}, allow=(403,))
        if denied(answer):
            return None
        if not answer.is_success:
            raise self._api.failure(answer)
        return self._api.understood(answer, lambda body: frozenset(map(str, listed((body.get("data") or body)[asked]))))

    def _lets_through(self, path: str, kind: str) -> bool:
        """Whether policies allow a write: one that says nothing, which is refused with 400 once they do."""
        answer = self._api.request("POST", self._address(path, kind), json={}, allow=(400, 403))
        if denied(answer):
            return False
        if unaccepted(answer):
            raise self._api.failure(answer)
        self._api.understood(answer, error_words)
        return True

    def _address(self, path: str, kind: str = "data") -> str:
        return f"/{quote(self._place(path, kind))}"

    def _place(self, path: str, kind: str) -> str:
        """A secret's API path, as policies write it: ``kind`` is inserted after the mount."""
        mount = self._mounts.holding(path).path
        return f"{mount}{kind}/{path.removeprefix(mount)}"

    def _misses(self, response: httpx.Response) -> bool:
        """Whether an answer says that nothing exists: a 404 without an error message, or empty after a PATCH.

        Raises ``SystemFailure`` for one with a message: something else is missing, such as the mount.
        """
        if response.status_code != HTTPStatus.NOT_FOUND:
            return False
        patched = response.request.method == "PATCH" and "json" in response.headers.get("content-type", "")
        if (response.content or not patched) and self._api.understood(response, _words):
            raise self._api.failure(response)
        return True


def _wants_revision(answer: httpx.Response) -> bool:
    """Whether a change of metadata must name the version that it changes, and did not, or another one."""
    refused = answer.status_code == HTTPStatus.BAD_REQUEST
    return refused and ("metadata check-and-set" in answer.text or "metadata_cas must be" in answer.text)


def _words(body: Any) -> list[str]:
    """The messages of an error; the answer for a deleted version has metadata instead."""
    return [] if fields(body).get("data") is not None else error_words(body)


def _entry(body: Any) -> Entry:
    """A secret with its newest version. If the version was deleted, ``data`` may be null next to its metadata."""
    outer = fields(body["data"])
    properties = {} if outer["data"] is None else fields(outer["data"])
    metadata = outer["metadata"]
    version, created = number(metadata["version"]), str(metadata.get("created_time") or "")
    for name, value in properties.items():
        learn(value if isinstance(value, str) else json.dumps(value), name)
    return Entry(version, frozenset(properties), Secret(json.dumps(properties)), created, _custom(metadata))


def _deleted(body: Any) -> Entry:
    """The secret that a 404 describes: a deleted version's metadata, or no errors if there never was one."""
    if body.get("data") is not None:
        return _entry(body)
    return Entry(0, frozenset(), Secret("{}"))


def _custom(metadata: Any) -> dict[str, str]:
    return dict(fields(metadata).get("custom_metadata") or {})
