"""KV version 2: versions below ``data``, settings and notes below ``metadata``."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from generator.sandbox.messages import JSON, Request, Response, json_response, route
from generator.sandbox.vault import parameters
from generator.sandbox.vault.engine import Engine, done, envelope
from generator.sandbox.vault.errors import VaultError
from generator.sandbox.vault.kv_one import names_below
from generator.sandbox.vault.versions import (
    Settings,
    Version,
    check_cas,
    check_revision,
    merged,
    noted,
    now,
    options_of,
)

_METADATA = ("max_versions", "cas_required", "metadata_cas_required", "delete_version_after", "custom_metadata")
_ELSEWHERE = (
    "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use."
)


class KvTwo(Engine):
    """KV version 2. ``settings`` are those of secrets, ``config`` the mount's own."""

    def __init__(self, path: str, kind: str, options: dict[str, str] | None) -> None:
        super().__init__(path, kind, options)
        self.secrets: dict[str, list[Version]] = {}
        self.notes: dict[str, dict[str, str]] = {}
        self.settings: dict[str, Settings] = {}
        self.config = Settings()

    def write(self, path: str, data: Mapping[str, Any] | None) -> Version:
        """Add a version; ``path`` is below the mount. Those that are too many are dropped."""
        versions, holding = self.secrets.setdefault(path, []), self._settings(path).within(self.config)
        life = holding.delete_version_after
        ends = now(life) if life else ""
        versions.append(Version(self._current(path) + 1, now(), dict(data or {}), ends, null=data is None))
        del versions[: -holding.max_versions]
        return versions[-1]

    def read(self, path: str) -> dict[str, Any]:
        """The current properties at a path. Raises KeyError when there is nothing, or nothing any more."""
        newest = self.secrets[path][-1]
        if newest.gone:
            raise KeyError(path)
        return dict(newest.data)

    def has(self, path: str) -> bool:
        """Whether the secret has metadata, which may exist before its first version; other paths always exist."""
        kind, _, name = path.partition("/")
        return kind not in ("data", "metadata") or self._has_metadata(name)

    def stored(self) -> dict[str, Any]:
        """The data of all versions and the notes of each secret."""
        return {
            name: ([version.data for version in self.secrets.get(name, [])], dict(self.notes.get(name, {})))
            for name in self.secrets | self.notes
        }

    def answer(self, request: Request, method: str, path: str) -> Response:
        """Answer a request; what is below no path of KV is a miss with a warning."""
        kind = path.partition("/")[0]
        if kind not in ("data", "metadata", "delete", "undelete", "destroy", "config") or (method, kind) == (
            "LIST",
            "config",
        ):
            return json_response(404, envelope(None) | {"warnings": [_ELSEWHERE]})
        if method in ("POST", "PATCH") and path.endswith("/"):
            raise VaultError(400, "cannot write to a path ending in '/'")
        if method in ("GET", "DELETE") and not path.partition("/")[2] and kind != "config":
            raise VaultError(404)
        return super().answer(request, method, path)

    @route("GET", "/data/<path:path>")
    def get(self, request: Request, path: str) -> Response:
        """The current or an older version of a secret; 404, but with its metadata, for one that is gone."""
        asked = parameters.whole({"version": request.parameter("version")}, "version")
        chosen = self._version(path, asked if asked > 0 else self._current(path))
        if chosen is None:
            raise VaultError(404)
        metadata = chosen.metadata(self.notes.get(path))
        if chosen.gone:
            return json_response(404, envelope({"data": None, "metadata": metadata}))
        return json_response(200, envelope({"data": None if chosen.null else chosen.data, "metadata": metadata}))

    @route("POST", "/data/<path:path>")
    def put(self, request: Request, path: str) -> Response:
        """A new version; ``options.cas`` must be the number of the current one when it is given, or required."""
        asked = request.json_object()
        data, options = _data(asked), options_of(asked)
        self._check_cas(path, options)
        return self._written(path, self.write(path, data))

    @route("PATCH", "/data/<path:path>")
    def patch(self, request: Request, path: str) -> Response:
        """A new version with some properties changed (null removes one); 404 if there is none, or none any more."""
        asked = request.json_object()
        changes, options = _data(asked), options_of(asked)
        if not self._has_metadata(path):
            return _missing()
        self._check_cas(path, options)
        newest = self._version(path, self._current(path))
        if newest is None:
            return _missing()
        if newest.gone:
            return json_response(404, envelope(newest.metadata(self.notes.get(path))))
        if newest.null:
            raise VaultError(500, "1 error occurred:\n\t* resource does not exist\n\n")
        return self._written(path, self.write(path, merged(newest.data, changes)))

    @route("DELETE", "/data/<path:path>")
    def delete_newest(self, request: Request, path: str) -> Response:
        """Delete the current version, which can be undone."""
        return self._each(path, [self._current(path)], _delete)

    @route("POST", "/delete/<path:path>")
    def delete_versions(self, request: Request, path: str) -> Response:
        """Delete versions, which can be undone; unknown ones are passed over."""
        return self._each(path, _numbers(request), _delete)

    @route("POST", "/undelete/<path:path>")
    def undelete_versions(self, request: Request, path: str) -> Response:
        """Bring deleted versions back; destroyed ones stay destroyed."""
        life = self._settings(path).within(self.config).delete_version_after
        return self._each(path, _numbers(request), lambda version: _undelete(version, life))

    @route("POST", "/destroy/<path:path>")
    def destroy_versions(self, request: Request, path: str) -> Response:
        """Destroy versions for good."""
        return self._each(path, _numbers(request), _destroy)

    @route("GET", "/metadata/<path:path>")
    def metadata(self, request: Request, path: str) -> Response:
        """The versions of a secret, and its settings."""
        if not self._has_metadata(path):
            raise VaultError(404)
        versions, settings = self.secrets.get(path, []), self._settings(path)
        data = settings.described() | {
            "created_time": versions[0].created if versions else now(),
            "current_metadata_version": settings.revision,
            "current_version": self._current(path),
            "custom_metadata": self.notes.get(path) or None,
            "oldest_version": versions[0].number if versions and versions[0].number > 1 else 0,
            "updated_time": versions[-1].created if versions else now(),
            "versions": {str(entry.number): entry.brief() for entry in versions},
        }
        return json_response(200, envelope(data))

    @route("LIST", "/metadata")
    @route("LIST", "/metadata/<path:path>")
    def names(self, request: Request, path: str = "") -> Response:
        """The names below a path; those with more below end with a slash."""
        held = self.secrets | self.notes | {name: item for name, item in self.settings.items() if item.declared}
        return json_response(200, envelope({"keys": names_below(held, path)}))

    @route("POST", "/metadata/<path:path>")
    def note(self, request: Request, path: str) -> Response:
        """Settings, and custom metadata that takes the place of what was there; the versions stay."""
        asked = request.json_object()
        custom = _custom(asked)
        return self._described(path, asked, None if custom is None else noted(custom))

    @route("PATCH", "/metadata/<path:path>")
    def patch_notes(self, request: Request, path: str) -> Response:
        """Change settings and some custom metadata (null removes it) and keep the rest; 404 if there is no metadata."""
        asked = request.json_object()
        self._changed(path, asked)
        custom = _custom(asked)
        noted({key: value for key, value in (custom or {}).items() if value is not None})
        if asked.get("metadata_cas") is not None:
            parameters.whole(asked, "metadata_cas")
        if set(_METADATA) & set(asked) and not self._has_metadata(path):
            return _missing()
        if not all(isinstance(value, str | None) for value in (custom or {}).values()):
            raise VaultError(500, "1 error occurred:\n\t* json: cannot unmarshal into type string\n\n")
        if custom is None:
            return self._described(path, asked, None)
        dropped = asked["custom_metadata"] is None
        return self._described(path, asked, {} if dropped else merged(self.notes.get(path, {}), custom))

    @route("DELETE", "/metadata/<path:path>")
    def delete(self, request: Request, path: str) -> Response:
        """Every version of a secret, for good."""
        for held in (self.secrets, self.notes, self.settings):
            held.pop(path, None)
        return done()

    @route("GET", "/config")
    def configuration(self, request: Request) -> Response:
        """The mount's settings."""
        return json_response(200, envelope(self.config.described()))

    @route("POST", "/config")
    def configure(self, request: Request) -> Response:
        """Change the mount's settings."""
        self.config = self.config.changed(request.json_object())
        return done()

    def _described(self, path: str, asked: Mapping[str, Any], notes: dict[str, str] | None) -> Response:
        """Change a secret's settings as a request says, and its notes where there are new ones."""
        if not set(_METADATA) & set(asked):
            return done()
        known, settings, changed = self._has_metadata(path), self._settings(path), self._changed(path, asked)
        required = settings.within(self.config).metadata_cas_required
        check_revision(asked, required=required, current=settings.revision if known else None)
        self.settings[path] = replace(changed, revision=settings.revision + 1)
        if notes is not None or not known:
            self.notes[path] = notes or {}
        return done()

    def _changed(self, path: str, asked: Mapping[str, Any]) -> Settings:
        if parameters.seconds({"delete_version_after": 0, **asked}, "delete_version_after") < 0:
            raise VaultError(400, 'error converting input for field "delete_version_after": negative value')
        return self._settings(path).changed(asked)

    def _settings(self, path: str) -> Settings:
        """A secret's own settings; those of one that is gone are forgotten."""
        return self.settings.get(path, Settings()) if self._has_metadata(path) else Settings()

    def _has_metadata(self, path: str) -> bool:
        return path in self.secrets or path in self.notes or self.settings.get(path, Settings()).declared

    def _current(self, path: str) -> int:
        versions = self.secrets.get(path)
        return versions[-1].number if versions else 0

    def _version(self, path: str, number: int) -> Version | None:
        return next((each for each in self.secrets.get(path, []) if each.number == number), None)

    def _written(self, path: str, version: Version) -> Response:
        return json_response(200, envelope(version.metadata(self.notes.get(path))))

    def _check_cas(self, path: str, options: dict[str, Any]) -> None:
        required = self._settings(path).within(self.config).cas_required
        check_cas(options, required=required, current=self._current(path))

    def _each(self, path: str, numbers: list[int], change: Callable[[Version], None]) -> Response:
        for number in numbers:
            version = self._version(path, number)
            if version is not None and not version.destroyed:
                change(version)
        return done()


def _data(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    if "data" not in asked:
        raise VaultError(400, "no data provided")
    return parameters.mapping(asked, "data")


def _custom(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The custom metadata of a request, where it has any: null is an empty one."""
    return (parameters.mapping(asked, "custom_metadata") or {}) if "custom_metadata" in asked else None


def _numbers(request: Request) -> list[int]:
    numbers = parameters.numbers(request.json_object(), "versions")
    if not numbers:
        raise VaultError(400, "No version number provided")
    return numbers


def _delete(version: Version) -> None:
    if not version.gone:
        version.deleted = now()


def _undelete(version: Version, life: int) -> None:
    version.deleted = now(life) if life else ""


def _destroy(version: Version) -> None:
    version.destroyed, version.data = True, {}


def _missing() -> Response:
    """A patch of what does not exist: without any body."""
    return Response(404, b"", JSON)
