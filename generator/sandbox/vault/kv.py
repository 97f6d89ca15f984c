"""KV in both versions."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.sandbox.messages import Request, Response, json_response, route
from generator.sandbox.vault.engine import Engine, envelope, now
from generator.sandbox.vault.errors import VaultError

_MISMATCH = "check-and-set parameter did not match the current version"


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


class KvOne(Engine):
    """KV version 1: it stores what it is sent, at whatever path."""

    def __init__(self, path: str, kind: str, options: dict[str, str] | None) -> None:
        super().__init__(path, kind, options)
        self.values: dict[str, dict[str, Any]] = {}

    def has(self, path: str) -> bool:
        """Whether something is stored at this very path."""
        return path in self.values

    def stored(self) -> dict[str, Any]:
        """What each path holds."""
        return dict(self.values)

    @route("GET", "/<path:path>")
    def get(self, request: Request, path: str) -> Response:
        """What is stored there."""
        if path not in self.values:
            raise VaultError(404)
        return json_response(200, envelope(self.values[path]))

    @route("POST", "/<path:path>")
    def put(self, request: Request, path: str) -> Response:
        """The whole body takes the place of what was there."""
        asked = request.json_object()
        if not asked:
            raise VaultError(400, "missing data fields")
        self.values[path] = asked
        return Response(204)

    @route("DELETE", "/<path:path>")
    def delete(self, request: Request, path: str) -> Response:
        """Gone for good."""
        self.values.pop(path, None)
        return Response(204)

    @route("LIST", "/")
    @route("LIST", "/<path:path>")
    def names(self, request: Request, path: str = "") -> Response:
        """The names below a path; those with more below end with a slash."""
        return json_response(200, envelope({"keys": _names(self.values, path)}))


class KvTwo(Engine):
    """KV version 2: versions below ``data``, notes below ``metadata``."""

    def __init__(self, path: str, kind: str, options: dict[str, str] | None) -> None:
        super().__init__(path, kind, options)
        self.secrets: dict[str, list[Version]] = {}
        self.notes: dict[str, dict[str, str]] = {}

    def write(self, path: str, data: Mapping[str, Any]) -> None:
        """Add a version behind the API's back; ``path`` is below the mount."""
        versions = self.secrets.setdefault(path, [])
        versions.append(Version(len(versions) + 1, now(), dict(data)))

    def read(self, path: str) -> dict[str, Any]:
        """The current properties at a path. Raises KeyError when there is nothing, or nothing any more."""
        newest = self.secrets[path][-1]
        if newest.deleted:
            raise KeyError(path)
        return dict(newest.data)

    def has(self, path: str) -> bool:
        """Whether the secret has metadata, which may exist before its first version. Deleting always changes."""
        kind, _, name = path.partition("/")
        return kind == "delete" or self._has_metadata(name)

    def stored(self) -> dict[str, Any]:
        """The data of all versions and the notes of each secret."""
        return {
            name: ([version.data for version in self.secrets.get(name, [])], dict(self.notes.get(name, {})))
            for name in self.secrets | self.notes
        }

    @route("GET", "/data/<path:path>")
    def get(self, request: Request, path: str) -> Response:
        """The current or an older version of a secret; 404, but with its metadata, for a deleted one."""
        versions = self.secrets.get(path, [])
        number = int(request.parameter("version") or 0) or len(versions)
        if not 1 <= number <= len(versions):
            raise VaultError(404)
        chosen = versions[number - 1]
        metadata = chosen.metadata(self.notes.get(path))
        if chosen.deleted:
            return json_response(404, envelope({"data": None, "metadata": metadata}))
        return json_response(200, envelope({"data": chosen.data, "metadata": metadata}))

    @route("POST", "/data/<path:path>")
    def put(self, request: Request, path: str) -> Response:
        """A new version; ``options.cas`` must be the number of the current one when it is given."""
        asked = request.json_object()
        self._check_version(path, asked)
        if not isinstance(asked.get("data"), dict):
            raise VaultError(400, "no data provided")
        self.write(path, asked["data"])
        return json_response(200, envelope(self.secrets[path][-1].metadata(self.notes.get(path))))

    @route("PATCH", "/data/<path:path>")
    def patch(self, request: Request, path: str) -> Response:
        """A new version with some properties changed (null removes one); 404 if there is none, or none any more."""
        _need_merge_patch(request)
        if path not in self.secrets or self.secrets[path][-1].deleted:
            raise VaultError(404)
        asked = request.json_object()
        self._check_version(path, asked)
        merged = {**self.read(path), **(asked.get("data") or {})}
        self.write(path, {key: value for key, value in merged.items() if value is not None})
        return json_response(200, envelope(self.secrets[path][-1].metadata(self.notes.get(path))))

    @route("GET", "/metadata/<path:path>")
    def metadata(self, request: Request, path: str) -> Response:
        """The versions of a secret."""
        versions = self.secrets.get(path, [])
        if not self._has_metadata(path):
            raise VaultError(404)
        listed = {str(entry.number): _brief(entry) for entry in versions}
        data = {
            "cas_required": False,
            "created_time": versions[0].created if versions else now(),
            "current_version": len(versions),
            "custom_metadata": self.notes.get(path),
            "max_versions": 0,
            "oldest_version": 0,
            "updated_time": versions[-1].created if versions else now(),
            "versions": listed,
        }
        return json_response(200, envelope(data))

    @route("LIST", "/metadata")
    @route("LIST", "/metadata/<path:path>")
    def names(self, request: Request, path: str = "") -> Response:
        """The names below a path; those with more below end with a slash."""
        return json_response(200, envelope({"keys": _names(self.secrets | self.notes, path)}))

    @route("POST", "/metadata/<path:path>")
    def note(self, request: Request, path: str) -> Response:
        """Custom metadata takes the place of what was there; the versions stay."""
        notes = request.json_object().get("custom_metadata")
        if notes is not None:
            self.notes[path] = _noted(notes)
        return Response(204)

    @route("PATCH", "/metadata/<path:path>")
    def patch_notes(self, request: Request, path: str) -> Response:
        """Change some custom metadata (null removes it) and keep the rest; 404 if there is no metadata."""
        _need_merge_patch(request)
        if not self._has_metadata(path):
            raise VaultError(404)
        asked = request.json_object().get("custom_metadata") or {}
        merged = {**self.notes.get(path, {}), **asked}
        self.notes[path] = _noted({key: value for key, value in merged.items() if value is not None})
        return Response(204)

    @route("POST", "/delete/<path:path>")
    def delete_versions(self, request: Request, path: str) -> Response:
        """Delete versions, which can be undone; unknown ones are passed over."""
        numbers = request.json_object().get("versions")
        if not isinstance(numbers, list) or not numbers:
            raise VaultError(400, "No version number provided")
        for version in self.secrets.get(path, []):
            if version.number in map(int, numbers):
                version.deleted = version.deleted or now()
        return Response(204)

    @route("DELETE", "/metadata/<path:path>")
    def delete(self, request: Request, path: str) -> Response:
        """Every version of a secret, for good."""
        self.secrets.pop(path, None)
        self.notes.pop(path, None)
        return Response(204)

    def _has_metadata(self, path: str) -> bool:
        return path in self.secrets or path in self.notes

    def _check_version(self, path: str, asked: dict[str, Any]) -> None:
        expected = (asked.get("options") or {}).get("cas")
        if expected is not None and int(expected) != len(self.secrets.get(path, [])):
            raise VaultError(400, _MISMATCH)


def _names(held: Mapping[str, Any], path: str) -> list[str]:
    prefix = f"{path.strip('/')}/" if path.strip("/") else ""
    below = [name.removeprefix(prefix) for name in held if name.startswith(prefix)]
    keys = sorted({name if "/" not in name else name.split("/")[0] + "/" for name in below})
    if not keys:
        raise VaultError(404)
    return keys


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
