"""KV version 1."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.sandbox.messages import Request, Response, json_response, route
from generator.sandbox.vault.engine import Engine, done, envelope
from generator.sandbox.vault.errors import VaultError


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
        return done()

    @route("DELETE", "/<path:path>")
    def delete(self, request: Request, path: str) -> Response:
        """Gone for good."""
        self.values.pop(path, None)
        return done()

    @route("LIST", "/")
    @route("LIST", "/<path:path>")
    def names(self, request: Request, path: str = "") -> Response:
        """The names below a path; those with more below end with a slash."""
        return json_response(200, envelope({"keys": names_below(self.values, path)}))


def names_below(held: Mapping[str, Any], path: str) -> list[str]:
    """What a list at a path shows of what is held. Raises ``VaultError`` where there is nothing."""
    prefix = f"{path.strip('/')}/" if path.strip("/") else ""
    below = [name.removeprefix(prefix) for name in held if name.startswith(prefix)]
    keys = sorted({name if "/" not in name else name.split("/")[0] + "/" for name in below})
    if not keys:
        raise VaultError(404)
    return keys
