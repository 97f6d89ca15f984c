"""The sandbox's Vault: a token, health, and one KV v2 mount."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from werkzeug.exceptions import HTTPException

from generator.sandbox.messages import Request, Response, Router, json_response, route

_ALL = ("create", "delete", "list", "patch", "read", "update")
_SEALED = 503
_MISMATCH = "check-and-set parameter did not match the current version"


class VaultError(Exception):
    """Ends a handler with a list of errors."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = list(errors)


@dataclass
class Version:
    """One version of a secret."""

    number: int
    created: str
    data: dict[str, Any] = field(repr=False)
    deleted: str = ""

    def metadata(self, notes: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What Vault says about it; ``notes`` is the secret's custom metadata."""
        return {
            "created_time": self.created,
            "custom_metadata": dict(notes) if notes else None,
            "deletion_time": self.deleted,
            "destroyed": False,
            "version": self.number,
        }


@dataclass
class Token:
    """What a token is and may do: capabilities by path below the mount (``*`` at the end stands for anything).

    The longest path that fits counts, as with Vault's policies. ``seconds`` is the life that is left, 0 without end.
    """

    policies: list[str] = field(default_factory=lambda: ["default", "sandbox"])
    seconds: int = 3600
    rules: dict[str, set[str]] = field(default_factory=lambda: {"*": set(_ALL)})

    def capabilities(self, path: str) -> list[str]:
        """What it may do at ``data/<name>`` or ``metadata/<name>``."""
        fitting = [rule for rule in self.rules if rule == path or (rule[-1:] == "*" and path.startswith(rule[:-1]))]
        return sorted(self.rules[max(fitting, key=len)]) if fitting else ["deny"]


class Vault:
    """Vault's state and its HTTP face. ``health`` is the status that it answers for itself."""

    def __init__(self, token: str, mount: str = "secret") -> None:
        self.tokens = {token: Token()}
        self.health = 200
        self.secrets: dict[str, list[Version]] = {}
        self.notes: dict[str, dict[str, str]] = {}
        self.lock = threading.RLock()
        self._mount = mount
        self._router = Router([self])

    @property
    def capabilities(self) -> list[str]:
        """What every token may do everywhere, where all may do the same."""
        return next(iter(self.tokens.values())).capabilities("")

    @capabilities.setter
    def capabilities(self, held: list[str]) -> None:
        for token in self.tokens.values():
            token.rules = {"*": set(held)}

    def write(self, path: str, data: Mapping[str, Any]) -> None:
        """Add a version behind the API's back; ``path`` is below the mount."""
        versions = self.secrets.setdefault(path, [])
        versions.append(Version(len(versions) + 1, _now(), dict(data)))

    def read(self, path: str) -> dict[str, Any]:
        """The current properties at a path. Raises KeyError when there is nothing, or nothing any more."""
        newest = self.secrets[path][-1]
        if newest.deleted:
            raise KeyError(path)
        return dict(newest.data)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        try:
            match = self._router.match(*self._method_and_path(request))
            with self.lock:
                return match.handler(request, **match.arguments)
        except HTTPException:
            return _failed(VaultError(404))
        except VaultError as error:
            return _failed(error)
        except ValueError:
            return _failed(VaultError(400, "error parsing JSON"))

    def _method_and_path(self, request: Request) -> tuple[str, str]:
        method = "LIST" if request.method == "GET" and request.parameter("list") == "true" else request.method
        method = "POST" if method == "PUT" else method
        if request.path != "/v1/sys/health":
            self._let_in(request)
        mount = f"/v1/{self._mount}/"
        if request.path.startswith(mount):
            self._allow(request, method, request.path.removeprefix(mount))
            return method, "/kv/" + request.path.removeprefix(mount)
        return method, request.path.removeprefix("/v1")

    def _let_in(self, request: Request) -> None:
        """A sealed Vault answers nothing but its health; an open one answers tokens that it knows."""
        if self.health in (501, _SEALED):
            raise VaultError(_SEALED, "Vault is sealed")
        if request.header("x-vault-token") not in self.tokens:
            raise VaultError(403, "permission denied")

    def _allow(self, request: Request, method: str, path: str) -> None:
        needed = {"GET": "read", "LIST": "list", "PATCH": "patch", "DELETE": "delete"}.get(method, "update")
        kind, _, name = path.partition("/")
        if method == "POST" and kind != "delete" and not self._has_metadata(name):
            needed = "create"
        if not {needed, "root"} & set(self._token(request).capabilities(path)):
            raise VaultError(403, "1 error occurred:\n\t* permission denied\n\n")

    def _token(self, request: Request) -> Token:
        return self.tokens[request.header("x-vault-token")]

    @route("GET", "/sys/health")
    def told_health(self, request: Request) -> Response:
        """Initialised, unsealed, active, unless ``health`` says otherwise."""
        state = {
            "initialized": self.health != 501,
            "sealed": self.health in (501, _SEALED),
            "standby": self.health in (429, 473),
            "version": "1.20.0",
        }
        told = state | {"cluster_name": "sandbox", "server_time_utc": int(_clock().timestamp())}
        return json_response(self.health, told)

    @route("GET", "/auth/token/lookup-self")
    def lookup_self(self, request: Request) -> Response:
        """The token's policies and lifetime."""
        token = self._token(request)
        data = {"display_name": "oidc", "policies": token.policies, "ttl": token.seconds, "renewable": True}
        return json_response(200, _envelope(data | {"path": "auth/oidc/oidc/callback", "type": "service"}))

    @route("POST", "/sys/capabilities-self")
    def capabilities_self(self, request: Request) -> Response:
        """What the token may do at each of some paths; the first one's stand alone, too."""
        asked = [str(path) for path in request.json_object().get("paths") or []]
        if not asked:
            raise VaultError(400, "paths must be supplied")
        token = self._token(request)
        told = {path: token.capabilities(path.removeprefix(f"{self._mount}/")) for path in asked}
        data = told | ({"capabilities": told[asked[0]]} if len(asked) == 1 else {})
        return json_response(200, _envelope(data) | data)

    @route("GET", "/kv/data/<path:path>")
    def get(self, request: Request, path: str) -> Response:
        """The current or an older version of a secret; 404, but with its metadata, for a deleted one."""
        versions = self.secrets.get(path, [])
        number = int(request.parameter("version") or 0) or len(versions)
        if not 1 <= number <= len(versions):
            raise VaultError(404)
        chosen = versions[number - 1]
        metadata = chosen.metadata(self.notes.get(path))
        if chosen.deleted:
            return json_response(404, _envelope({"data": None, "metadata": metadata}))
        return json_response(200, _envelope({"data": chosen.data, "metadata": metadata}))

    @route("POST", "/kv/data/<path:path>")
    def put(self, request: Request, path: str) -> Response:
        """A new version; ``options.cas`` must be the number of the current one when it is given."""
        asked = request.json_object()
        self._check_version(path, asked)
        if not isinstance(asked.get("data"), dict):
            raise VaultError(400, "no data provided")
        self.write(path, asked["data"])
        return json_response(200, _envelope(self.secrets[path][-1].metadata(self.notes.get(path))))

    @route("PATCH", "/kv/data/<path:path>")
    def patch(self, request: Request, path: str) -> Response:
        """A new version with some properties changed (null takes one away); 404 when there is none."""
        _need_merge_patch(request)
        if path not in self.secrets:
            raise VaultError(404)
        asked = request.json_object()
        self._check_version(path, asked)
        merged = {**self.read(path), **(asked.get("data") or {})}
        self.write(path, {key: value for key, value in merged.items() if value is not None})
        return json_response(200, _envelope(self.secrets[path][-1].metadata(self.notes.get(path))))

    @route("GET", "/kv/metadata/<path:path>")
    def metadata(self, request: Request, path: str) -> Response:
        """The versions of a secret."""
        versions = self.secrets.get(path, [])
        if not self._has_metadata(path):
            raise VaultError(404)
        listed = {str(entry.number): _brief(entry) for entry in versions}
        data = {
            "cas_required": False,
            "created_time": versions[0].created if versions else _now(),
            "current_version": len(versions),
            "custom_metadata": self.notes.get(path),
            "max_versions": 0,
            "oldest_version": 0,
            "updated_time": versions[-1].created if versions else _now(),
            "versions": listed,
        }
        return json_response(200, _envelope(data))

    @route("LIST", "/kv/metadata")
    @route("LIST", "/kv/metadata/<path:path>")
    def names(self, request: Request, path: str = "") -> Response:
        """The names below a path; those with more below end with a slash."""
        prefix = f"{path.strip('/')}/" if path.strip("/") else ""
        below = [name.removeprefix(prefix) for name in self.secrets | self.notes if name.startswith(prefix)]
        keys = sorted({name if "/" not in name else name.split("/")[0] + "/" for name in below})
        if not keys:
            raise VaultError(404)
        return json_response(200, _envelope({"keys": keys}))

    @route("POST", "/kv/metadata/<path:path>")
    def note(self, request: Request, path: str) -> Response:
        """Custom metadata takes the place of what was there; the versions stay."""
        notes = request.json_object().get("custom_metadata")
        if notes is not None:
            self.notes[path] = _noted(notes)
        return Response(204)

    @route("PATCH", "/kv/metadata/<path:path>")
    def patch_notes(self, request: Request, path: str) -> Response:
        """Some custom metadata changes (null takes it away), the rest stays; 404 where there is no metadata."""
        _need_merge_patch(request)
        if not self._has_metadata(path):
            raise VaultError(404)
        asked = request.json_object().get("custom_metadata") or {}
        merged = {**self.notes.get(path, {}), **asked}
        self.notes[path] = _noted({key: value for key, value in merged.items() if value is not None})
        return Response(204)

    @route("POST", "/kv/delete/<path:path>")
    def delete_versions(self, request: Request, path: str) -> Response:
        """Delete versions, which can be undone; unknown ones are passed over."""
        numbers = request.json_object().get("versions")
        if not isinstance(numbers, list) or not numbers:
            raise VaultError(400, "No version number provided")
        for version in self.secrets.get(path, []):
            if version.number in map(int, numbers):
                version.deleted = version.deleted or _now()
        return Response(204)

    @route("DELETE", "/kv/metadata/<path:path>")
    def delete(self, request: Request, path: str) -> Response:
        """Every version of a secret, for good."""
        self.secrets.pop(path, None)
        self.notes.pop(path, None)
        return Response(204)

    def _has_metadata(self, path: str) -> bool:
        """A secret's metadata may be there before its first version."""
        return path in self.secrets or path in self.notes

    def _check_version(self, path: str, asked: dict[str, Any]) -> None:
        expected = (asked.get("options") or {}).get("cas")
        if expected is not None and int(expected) != len(self.secrets.get(path, [])):
            raise VaultError(400, _MISMATCH)


def _noted(notes: Mapping[str, Any]) -> dict[str, str]:
    """Custom metadata within Vault's limits: 64 keys of 128 bytes, values of 512."""
    long = [key for key, value in notes.items() if len(key.encode()) > 128 or len(str(value).encode()) > 512]
    if len(notes) > 64 or long or not all(isinstance(value, str) for value in notes.values()):
        raise VaultError(400, "custom_metadata validation failed")
    return dict(notes)


def _need_merge_patch(request: Request) -> None:
    if request.header("content-type").partition(";")[0].strip() != "application/merge-patch+json":
        raise VaultError(415, "PATCH requires Content-Type: application/merge-patch+json")


def _brief(version: Version) -> dict[str, Any]:
    return {"created_time": version.created, "deletion_time": version.deleted, "destroyed": False}


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    empty = {"lease_id": "", "renewable": False, "lease_duration": 0, "wrap_info": None, "warnings": None, "auth": None}
    return {"request_id": "00000000-0000-4000-8000-000000000000", **empty, "data": data}


def _failed(error: VaultError) -> Response:
    return json_response(error.status, {"errors": error.errors})


def _clock() -> datetime:
    return datetime.now(UTC)


def _now() -> str:
    return _clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
