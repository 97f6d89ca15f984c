"""What every secrets engine has: a mount, its description, and its own routes below it."""

from __future__ import annotations

import uuid
from typing import Any

from werkzeug.exceptions import MethodNotAllowed, NotFound

from generator.sandbox.messages import JSON, Request, Response, Router
from generator.sandbox.vault.errors import unsupported

BUILT_IN = ("cubbyhole", "identity", "system")


class Engine:
    """One mounted engine and its HTTP face below the mount. ``options`` is what Vault says of the mount."""

    def __init__(self, path: str, kind: str, options: dict[str, str] | None) -> None:
        self.path = path
        self.kind = kind
        self.options = options
        self._uuid = str(uuid.uuid4())
        self._router = Router([self])

    def description(self) -> dict[str, Any]:
        """The mount as ``sys/internal/ui/mounts`` tells of it."""
        return {
            "accessor": f"{self.kind}_{self._uuid[:8]}",
            "config": {"default_lease_ttl": 0, "force_no_cache": False, "max_lease_ttl": 0},
            "description": "",
            "external_entropy_access": False,
            "local": False,
            "options": self.options,
            "path": f"{self.path}/",
            "plugin_version": "",
            "running_plugin_version": "v2.6.2+builtin.bao",
            "running_sha256": "",
            "seal_wrap": False,
            "type": self.kind,
            "uuid": self._uuid,
        } | ({"deprecation_status": "supported"} if self.kind not in BUILT_IN else {})

    def answer(self, request: Request, method: str, path: str) -> Response:
        """Answer a request for a path below the mount. Raises ``VaultError``."""
        try:
            match = self._router.match(method, f"/{path}")
        except NotFound:
            raise unsupported("path") from None
        except MethodNotAllowed:
            raise unsupported("operation") from None
        return match.handler(request, **match.arguments)

    def has(self, path: str) -> bool:  # noqa: ARG002 - an engine may know
        """Whether a write to this path changes what exists."""
        return False

    def stored(self) -> dict[str, Any]:
        """Everything in it, by path below the mount."""
        return {}


class Other(Engine):
    """Any other engine: it knows no path of KV's."""


def envelope(data: dict[str, Any] | None) -> dict[str, Any]:
    """An answer's data as Vault wraps them."""
    empty = {"lease_id": "", "renewable": False, "lease_duration": 0, "wrap_info": None, "warnings": None, "auth": None}
    return {"request_id": "00000000-0000-4000-8000-000000000000", **empty, "data": data}


def done() -> Response:
    """The answer to a change that has nothing to say."""
    return Response(204, b"", JSON)
