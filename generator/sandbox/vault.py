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

    def metadata(self) -> dict[str, Any]:
        """What Vault says about it."""
        return {
            "created_time": self.created,
            "custom_metadata": None,
            "deletion_time": "",
            "destroyed": False,
            "version": self.number,
        }


class Vault:
    """Vault's state and its HTTP face."""

    def __init__(self, token: str, mount: str = "secret") -> None:
        self.tokens = {token}
        self.secrets: dict[str, list[Version]] = {}
        self.lock = threading.RLock()
        self._mount = mount
        self._router = Router([self])

    def write(self, path: str, data: Mapping[str, Any]) -> None:
        """Add a version behind the API's back; ``path`` is below the mount."""
        versions = self.secrets.setdefault(path, [])
        versions.append(Version(len(versions) + 1, _now(), dict(data)))

    def read(self, path: str) -> dict[str, Any]:
        """The current properties at a path. Raises KeyError when there is nothing."""
        return dict(self.secrets[path][-1].data)

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
        if request.path != "/v1/sys/health" and request.header("x-vault-token") not in self.tokens:
            raise VaultError(403, "permission denied")
        mount = f"/v1/{self._mount}/"
        if request.path.startswith(mount):
            return method, "/kv/" + request.path.removeprefix(mount)
        return method, request.path.removeprefix("/v1")

    @route("GET", "/sys/health")
    def health(self, request: Request) -> Response:
        """Initialised, unsealed, active."""
        state = {"initialized": True, "sealed": False, "standby": False, "version": "1.20.0"}
        return json_response(200, state | {"cluster_name": "sandbox", "server_time_utc": int(_clock().timestamp())})

    @route("GET", "/auth/token/lookup-self")
    def lookup_self(self, request: Request) -> Response:
        """The token's policies and lifetime."""
        data = {"display_name": "oidc", "policies": ["default", "sandbox"], "ttl": 3600, "renewable": True}
        return json_response(200, _envelope(data | {"path": "auth/oidc/oidc/callback", "type": "service"}))

    @route("GET", "/kv/data/<path:path>")
    def get(self, request: Request, path: str) -> Response:
        """The current or an older version of a secret."""
        versions = self.secrets.get(path, [])
        number = int(request.parameter("version") or 0) or len(versions)
        if not 1 <= number <= len(versions):
            raise VaultError(404)
        chosen = versions[number - 1]
        return json_response(200, _envelope({"data": chosen.data, "metadata": chosen.metadata()}))

    @route("POST", "/kv/data/<path:path>")
    def put(self, request: Request, path: str) -> Response:
        """A new version; ``options.cas`` must be the number of the current one when it is given."""
        asked = request.json_object()
        self._check_version(path, asked)
        if not isinstance(asked.get("data"), dict):
            raise VaultError(400, "no data provided")
        self.write(path, asked["data"])
        return json_response(200, _envelope(self.secrets[path][-1].metadata()))

    @route("PATCH", "/kv/data/<path:path>")
    def patch(self, request: Request, path: str) -> Response:
        """A new version with some properties changed (null takes one away); 404 when there is none."""
        if request.header("content-type").partition(";")[0].strip() != "application/merge-patch+json":
            raise VaultError(415, "PATCH requires Content-Type: application/merge-patch+json")
        if path not in self.secrets:
            raise VaultError(404)
        asked = request.json_object()
        self._check_version(path, asked)
        merged = {**self.read(path), **(asked.get("data") or {})}
        self.write(path, {key: value for key, value in merged.items() if value is not None})
        return json_response(200, _envelope(self.secrets[path][-1].metadata()))

    @route("GET", "/kv/metadata/<path:path>")
    def metadata(self, request: Request, path: str) -> Response:
        """The versions of a secret."""
        versions = self.secrets.get(path)
        if not versions:
            raise VaultError(404)
        listed = {str(entry.number): _brief(entry) for entry in versions}
        data = {
            "cas_required": False,
            "created_time": versions[0].created,
            "current_version": len(versions),
            "custom_metadata": None,
            "max_versions": 0,
            "oldest_version": 0,
            "updated_time": versions[-1].created,
            "versions": listed,
        }
        return json_response(200, _envelope(data))

    @route("LIST", "/kv/metadata")
    @route("LIST", "/kv/metadata/<path:path>")
    def names(self, request: Request, path: str = "") -> Response:
        """The names below a path; those with more below end with a slash."""
        prefix = f"{path.strip('/')}/" if path.strip("/") else ""
        below = [name.removeprefix(prefix) for name in self.secrets if name.startswith(prefix)]
        keys = sorted({name if "/" not in name else name.split("/")[0] + "/" for name in below})
        if not keys:
            raise VaultError(404)
        return json_response(200, _envelope({"keys": keys}))

    @route("DELETE", "/kv/metadata/<path:path>")
    def delete(self, request: Request, path: str) -> Response:
        """Every version of a secret, for good."""
        self.secrets.pop(path, None)
        return Response(204)

    def _check_version(self, path: str, asked: dict[str, Any]) -> None:
        expected = (asked.get("options") or {}).get("cas")
        if expected is not None and int(expected) != len(self.secrets.get(path, [])):
            raise VaultError(400, _MISMATCH)


def _brief(version: Version) -> dict[str, Any]:
    return {"created_time": version.created, "deletion_time": "", "destroyed": False}


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    empty = {"lease_id": "", "renewable": False, "lease_duration": 0, "wrap_info": None, "warnings": None, "auth": None}
    return {"request_id": "00000000-0000-4000-8000-000000000000", **empty, "data": data}


def _failed(error: VaultError) -> Response:
    return json_response(error.status, {"errors": error.errors})


def _clock() -> datetime:
    return datetime.now(UTC)


def _now() -> str:
    return _clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
