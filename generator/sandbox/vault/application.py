"""The sandbox's Vault as one application: namespaces, tokens, routing, and the system's own paths."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from generator.sandbox.messages import Request, Response, Router, html_response, json_response, route
from generator.sandbox.vault.engine import Engine, envelope
from generator.sandbox.vault.errors import VaultError, denied, unsupported
from generator.sandbox.vault.kv import KvTwo
from generator.sandbox.vault.state import Namespace, Token
from generator.sandbox.vault.versions import Settings, Version, now

_SEALED = 503
_SPENT = -1
_OWN = ("sys/", "auth/")
_UNCHECKED = "sys/internal/ui/mounts/"
"""What any token may ask, as often as it likes: Vault checks what is shown instead."""


@dataclass(frozen=True)
class Call:
    """One request, its method as policies see it, the namespace that it goes to, and its path there."""

    request: Request
    method: str
    namespace: Namespace
    path: str


class Vault:
    """Vault's state and its HTTP face. ``health`` is the status that it answers for itself.

    ``community`` makes it Vault's Community Edition, which passes over the header with the namespace. ``mounted`` is
    the mount that the platform's profile names; ``secrets``, ``notes``, ``read`` and ``write`` are about it.
    """

    def __init__(self, token: str, mount: str = "secret", namespace: str = "") -> None:
        self.tokens = {token: Token()}
        self.health = 200
        self.community = False
        self.namespaces = {"": Namespace("")}
        self.lock = threading.RLock()
        mounted = self.namespace(namespace).mount(mount)
        assert isinstance(mounted, KvTwo)  # noqa: S101 - what is mounted without another word
        self.mounted = mounted
        self._router = Router([self])

    @property
    def secrets(self) -> dict[str, list[Version]]:
        """The versions of each secret in the profile's mount."""
        return self.mounted.secrets

    @secrets.setter
    def secrets(self, secrets: dict[str, list[Version]]) -> None:
        self.mounted.secrets = secrets

    @property
    def notes(self) -> dict[str, dict[str, str]]:
        """The custom metadata of each secret in the profile's mount."""
        return self.mounted.notes

    @notes.setter
    def notes(self, notes: dict[str, dict[str, str]]) -> None:
        self.mounted.notes = notes

    @property
    def settings(self) -> dict[str, Settings]:
        """The settings of each secret in the profile's mount that has any."""
        return self.mounted.settings

    @property
    def config(self) -> Settings:
        """The settings of the profile's mount."""
        return self.mounted.config

    @config.setter
    def config(self, config: Settings) -> None:
        self.mounted.config = config

    @property
    def capabilities(self) -> list[str]:
        """The capabilities of every token everywhere, if all are the same."""
        return next(iter(self.tokens.values())).capabilities("")

    @capabilities.setter
    def capabilities(self, held: list[str]) -> None:
        for token in self.tokens.values():
            token.rules = {"*": set(held)}

    def namespace(self, path: str) -> Namespace:
        """A namespace, made with those above it where it is missing. The root's path is empty."""
        made = ""
        for name in filter(None, path.split("/")):
            made = f"{made}/{name}".strip("/")
            self.namespaces.setdefault(made, Namespace(made))
        return self.namespaces[made]

    def mount(self, path: str, *, kind: str = "kv", version: int = 2) -> Engine:
        """Mount an engine in the root namespace. Raises ValueError where the path is in use."""
        return self.namespaces[""].mount(path, kind=kind, version=version)

    def unmount(self, path: str) -> None:
        """Remove a mount of the root namespace. Raises KeyError if it does not exist."""
        self.namespaces[""].unmount(path)

    def write(self, path: str, data: Mapping[str, Any]) -> None:
        """Add a version behind the API's back; ``path`` is below the profile's mount."""
        self.mounted.write(path, data)

    def read(self, path: str) -> dict[str, Any]:
        """The current properties at a path. Raises KeyError when there is nothing, or nothing any more."""
        return self.mounted.read(path)

    def stored(self) -> dict[str, Any]:
        """Everything that any engine of any namespace holds, by path."""
        with self.lock:
            return {path: value for each in self.namespaces.values() for path, value in each.stored().items()}

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        try:
            with self.lock:
                return self._answer(self._call(request))
        except VaultError as error:
            return error.response()
        except ValueError:
            return VaultError(400, "failed to decode JSON input").response()

    def _call(self, request: Request) -> Call:
        method = "LIST" if request.method == "GET" and request.parameter("list") == "true" else request.method
        method = "POST" if method == "PUT" else method
        path = request.path.removeprefix("/v1/")
        named = "" if self.community else request.header("x-vault-namespace").strip("/")
        if path == "sys/health":
            if named:
                raise VaultError(400, "operation unavailable in namespaces")
            return Call(request, method, self.namespaces[""], path)
        if method == "PATCH":
            _need_merge_patch(request)
        if self.health in (501, _SEALED):
            raise VaultError(_SEALED, "Vault is sealed")
        if named not in self.namespaces:
            raise VaultError(404, "namespace not found")
        first, _, rest = path.partition("/")
        while rest and f"{named}/{first}".strip("/") in self.namespaces:  # a path may begin with its namespace
            named, path = f"{named}/{first}".strip("/"), rest
            first, _, rest = path.partition("/")
        self._let_in(request, named, path)
        return Call(request, method, self.namespaces[named], path)

    def _let_in(self, request: Request, named: str, path: str) -> None:
        """Vault answers tokens that it knows, and each request but a look at a mount is one use of a token."""
        token = self.tokens.get(request.header("x-vault-token"))
        home = path.endswith("-self") and path.startswith("auth/")
        if token is None or token.uses < 0 or not (home or token.good_in(named)):
            raise VaultError(403, "permission denied")
        if token.uses and not path.startswith(_UNCHECKED):
            token.uses = token.uses - 1 or _SPENT

    def _answer(self, call: Call) -> Response:
        if "//" in call.path:
            return replace(html_response(307), headers={"Location": f"/v1/{call.path.replace('//', '/')}"})
        if call.path == "sys/health" or call.path.startswith(_UNCHECKED):
            return self._own(call)
        if call.path.startswith(_OWN):
            self._allow(call, None, call.path)
            return self._own(call)
        engine = call.namespace.holding(call.path)
        below = call.path.removeprefix(f"{engine.path}/") if engine else call.path
        self._allow(call, engine, below)
        if engine is None:
            raise VaultError(404, f'no handler for route "{call.path}". route entry not found.')
        return engine.answer(call.request, call.method, below)

    def _own(self, call: Call) -> Response:
        try:
            match = self._router.match(call.method, f"/{call.path}")
        except MethodNotAllowed:
            raise unsupported("operation") from None
        except HTTPException:
            raise unsupported("path") from None
        return match.handler(call, **match.arguments)

    def _allow(self, call: Call, engine: Engine | None, below: str) -> None:
        needed = {"GET": "read", "LIST": "list", "PATCH": "patch", "DELETE": "delete"}.get(call.method, "update")
        if call.method == "POST" and engine is not None and not engine.has(below):
            needed = "create"
        if not {needed, "root"} & set(self._capabilities(call, call.path)):
            raise denied()

    def _capabilities(self, call: Call, path: str) -> list[str]:
        token = self._token(call)
        at_home = call.path == "auth/token/lookup-self"  # it leads to the token's own namespace
        return token.capabilities(path if at_home else token.seen_from_home(call.namespace.path, path))

    def _token(self, call: Call) -> Token:
        return self.tokens[call.request.header("x-vault-token")]

    @route("GET", "/sys/health")
    def health_report(self, call: Call) -> Response:
        """Initialised, unsealed, active, unless ``health`` says otherwise."""
        state = {
            "initialized": self.health != 501,
            "sealed": self.health in (501, _SEALED),
            "standby": self.health in (429, 473),
            "replication_performance_mode": "disabled",
            "replication_dr_mode": "disabled",
            "version": "2.6.2",
            "cluster_id": "00000000-0000-4000-8000-000000000001",
        }
        return json_response(self.health, state | {"cluster_name": "sandbox", "server_time_utc": int(time.time())})

    @route("GET", "/auth/token/lookup-self")
    def lookup_self(self, call: Call) -> Response:
        """The token's policies, lifetime and uses."""
        token = self._token(call)
        created, life = int(time.time()), token.seconds
        data = {
            "accessor": "sandbox-accessor",
            "creation_time": created,
            "creation_ttl": life,
            "display_name": "oidc",
            "entity_id": "",
            "expire_time": now(life) if life else None,
            "explicit_max_ttl": 0,
            "id": call.request.header("x-vault-token"),
            "issue_time": now(),
            "meta": None,
            "num_uses": token.uses,
            "orphan": True,
            "path": "auth/oidc/oidc/callback",
            "policies": token.policies,
            "renewable": token.renewable,
            "ttl": life,
            "type": "service",
        }
        return json_response(
            200, envelope(data | ({"namespace_path": f"{token.namespace}/"} if token.namespace else {}))
        )

    @route("POST", "/sys/capabilities-self")
    def capabilities_self(self, call: Call) -> Response:
        """The token's capabilities at each of the given paths; for a single path also under ``capabilities``."""
        given = call.request.json_object()
        paths = given.get("paths") or given.get("path") or []
        asked = paths.split(",") if isinstance(paths, str) else [str(path) for path in paths]
        if not asked:
            raise VaultError(400, "paths must be supplied")
        if self._token(call).uses < 0:  # its last use was to ask
            raise VaultError(400, "1 error occurred:\n\t* invalid token\n\n")
        capabilities = {path: self._capabilities(call, path) for path in asked}
        data = capabilities | ({"capabilities": capabilities[asked[0]]} if len(asked) == 1 else {})
        return json_response(200, envelope(data) | data)

    @route("GET", "/sys/internal/ui/mounts/<path:path>")
    def mount_of(self, call: Call, path: str) -> Response:
        """The mount that a path leads to. A missing one gets the same answer as one that the token may not see."""
        engine, token = call.namespace.holding(path.rstrip("/")), self._token(call)
        if engine is None or not token.sees(token.seen_from_home(call.namespace.path, engine.path)):
            asked = f"{path.strip('/')}/"
            text = "preflight capability check returned 403, please ensure client's policies grant access to path"
            raise VaultError(403, f'{text} "{asked}"')
        return json_response(200, envelope(engine.description()))


def _need_merge_patch(request: Request) -> None:
    kind = request.header("content-type").partition(";")[0].strip()
    if kind != "application/merge-patch+json":
        words = f"PATCH requires Content-Type of application/merge-patch+json, provided {kind}"
        raise VaultError(415, words)
