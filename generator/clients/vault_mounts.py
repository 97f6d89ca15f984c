"""Vault's mounts: a path leads to one, and only Vault knows where the mount's name ends."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from generator.base.errors import PreflightError
from generator.base.memo import run_parallel
from generator.clients.shapes import fields, text
from generator.clients.transport import Api
from generator.clients.vault_token import error_words
from generator.platform.vault_location import VaultLocation

if TYPE_CHECKING:
    import httpx

NAMESPACE_HEADER = "X-Vault-Namespace"

_MISSES = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_UNSEEN = "preflight capability check"


@dataclass(frozen=True)
class Mount:
    """One mount: its path, which ends with a slash, and what it is. ``version`` is that of KV, 0 for other engines."""

    path: str
    kind: str
    version: int


class Mounts:
    """The KV version 2 mounts that paths lead to, each requested once. Thread-safe.

    One lock for all: mounts are never nested, so a path below a known mount needs no request of its own.
    """

    def __init__(self, api: Api, location: VaultLocation, source: str) -> None:
        self._api = api
        self._location = location
        self._source = source
        self._known: dict[str, Mount] = {}
        self._lock = threading.Lock()

    def holding(self, path: str) -> Mount:
        """The mount that holds the secret ``path``. Raises as ``look``."""
        known = self.known(path)
        if known is not None:
            return known
        with self._lock:
            return self.known(path) or self._look(path)

    def known(self, path: str) -> Mount | None:
        """The mount that holds ``path``, if Vault has already named it."""
        return next((mount for mount in self._known.values() if path.startswith(mount.path)), None)

    def look(self, path: str) -> Mount:
        """The mount that holds ``path``, requested again. Other threads use the known one until Vault has answered.

        Raises ``PreflightError`` if no mount exists or the token may not see it, if it is anything but KV version 2,
        and if Vault does not know the namespace.
        """
        with self._lock:
            try:
                return self._look(path)
            except BaseException:
                self._known = self._others(path)
                raise

    def _look(self, path: str) -> Mount:
        answer, rootless = self._answers(path)
        mount = self._understood(path, answer)
        if rootless is not None and rootless.is_success and self._data(rootless) == self._data(answer):
            raise PreflightError(
                "vault.namespace",
                f"vault: this Vault ignores the namespace {self._location.namespace}: it has the same mount "
                f"{mount.path} with and without it, and would store values in its root namespace",
                "unset VAULT_NAMESPACE, or take vault.namespace out of the platform profile: namespaces need Vault "
                "Enterprise or OpenBao",
            )
        self._check(path, mount)
        self._known = {**self._others(path), mount.path: mount}
        return mount

    def _others(self, path: str) -> dict[str, Mount]:
        return {name: known for name, known in self._known.items() if not path.startswith(name)}

    def _answers(self, path: str) -> tuple[httpx.Response, httpx.Response | None]:
        """Vault's answer for the path; and, if there is a namespace, its answer without the namespace.

        Vault's Community Edition does not refuse a namespace, it ignores it.
        """
        address = f"/sys/internal/ui/mounts/{quote(path)}"
        if not self._location.namespace:
            return self._api.request("GET", address, allow=_MISSES), None
        answer, rootless = run_parallel(
            lambda: self._api.request("GET", address, allow=_MISSES),
            lambda: self._api.request("GET", address, allow=_MISSES, headers={NAMESPACE_HEADER: ""}),
        )
        return answer, rootless

    def _understood(self, path: str, answer: httpx.Response) -> Mount:
        if answer.is_success:
            return self._api.understood(answer, lambda body: _mount(body, path, self._location.namespace))
        words = " ".join(self._api.understood(answer, error_words))
        within = self._location.within
        if answer.status_code == HTTPStatus.FORBIDDEN and _UNSEEN in words:
            raise PreflightError(
                "vault.mount",
                f"vault: nothing is mounted at {path}{within}, or the token in {self._source} may not see it",
                f"correct vault.mount or the credential's path in the platform profile (`vault secrets list"
                f"{self._location.flag}` shows all mounts), or mount KV version 2 there; where it is mounted, add a "
                f'policy to the token that allows something below it, such as path "MOUNT/data/*" {{ capabilities = '
                '["create", "read", "update"] }',
            )
        if answer.status_code == HTTPStatus.NOT_FOUND and self._location.namespace:
            raise PreflightError(
                "vault.namespace",
                f"vault: Vault does not know the namespace {self._location.namespace}: it answered 404: {words}",
                "correct VAULT_NAMESPACE, or vault.namespace in the platform profile: `vault namespace list`",
            )
        raise self._api.failure(answer)

    def _data(self, answer: httpx.Response) -> Any:
        return self._api.understood(answer, lambda body: fields(body)["data"])

    def _check(self, path: str, mount: Mount) -> None:
        """Raise ``PreflightError`` for a mount or path that can't hold a secret."""
        where = f"vault: {path}{self._location.within} leads to {mount.path}"
        name_another = "name a KV version 2 mount in the platform profile (vault.mount, or the credential's path)"
        if mount.version not in (0, 2):
            raise PreflightError(
                "vault.kv_version",
                f"{where}, which is KV version {mount.version}; newservice reads and writes version 2 only",
                f"{name_another}, or upgrade this one: vault kv enable-versioning{self._location.flag} {mount.path}",
            )
        if not mount.version:
            raise PreflightError("vault.engine", f"{where}, which is of type {mount.kind}, not KV", name_another)
        if path == mount.path.rstrip("/"):
            raise PreflightError("vault.mount", f"{where}, a mount and not a secret in it", name_another)


def _mount(body: Any, path: str, namespace: str) -> Mount:
    data = fields(fields(body)["data"])
    name = f"{text(data['path']).strip('/')}/"
    if not f"{path}/".startswith(name):
        name = name.removeprefix(f"{namespace}/")  # in a child namespace: reported relative to the root
    if not f"{path}/".startswith(name):
        raise ValueError("a mount that the path does not lead to")
    kind = text(data["type"])
    options = data.get("options")
    version = int(fields(options).get("version") or 1) if kind == "kv" and options else 1
    return Mount(name, kind, version if kind in ("kv", "generic") else 0)
