"""What a repository's settings may be, and how Woodpecker's server reads a body."""

from __future__ import annotations

import json
from typing import Any

from generator.sandbox.messages import JSON, Request
from generator.sandbox.woodpecker.errors import WoodpeckerError
from generator.sandbox.woodpecker.state import Repository

LONGEST_TIMEOUT = 120
_SWITCHES = ("network", "volumes", "security")
_TYPES: dict[str, type] = {
    "allow_deploy": bool,
    "allow_pr": bool,
    "approval_allowed_users": list,
    "cancel_previous_pipeline_events": list,
    "config_extension_endpoint": str,
    "config_extension_exclusive": bool,
    "config_extension_netrc": bool,
    "config_file": str,
    "netrc_trusted": list,
    "registry_extension_endpoint": str,
    "registry_extension_netrc": bool,
    "require_approval": str,
    "secret_extension_endpoint": str,
    "secret_extension_netrc": bool,
    "timeout": int,
    "trusted": dict,
    "visibility": str,
}
_CHOICES = {
    "require_approval": (("none", "forks", "pull_requests", "all_events"), "Invalid require-approval setting"),
    "visibility": (("public", "private", "internal"), "Invalid visibility type"),
}


class UnreadableBodyError(ValueError):
    """A body that is declared as JSON and is none, or not of the form that is expected."""


def bound(request: Request, types: dict[str, type]) -> dict[str, Any]:
    """The body as the server binds it: by its declared type, nothing where that is not JSON, unknown keys left out.

    Raises ``UnreadableBodyError``, for an empty body that is declared as JSON, too.
    """
    if request.header("content-type").partition(";")[0].strip() != JSON:
        return {}
    try:
        asked = json.loads(request.body)
    except ValueError as error:
        raise UnreadableBodyError("unexpected EOF" if request.body else "EOF") from error
    if not isinstance(asked, dict):
        raise UnreadableBodyError(f"json: cannot unmarshal {type(asked).__name__}")
    known = {key: value for key, value in asked.items() if key in types and value is not None}
    for key, value in known.items():
        if type(value) is not types[key]:
            raise UnreadableBodyError(f"json: cannot unmarshal into field {key}")
    return known


def change(row: Repository, request: Request, *, admin: bool) -> None:
    """Apply all changes that a request asks for, or none. Raises WoodpeckerError if one is not allowed."""
    try:
        asked = bound(request, _TYPES)
    except UnreadableBodyError as error:
        raise WoodpeckerError(400) from error
    timeout = asked.get("timeout", 1)
    if timeout > LONGEST_TIMEOUT and not admin:
        raise WoodpeckerError(403, f"Timeout is not allowed to be higher than max timeout ({LONGEST_TIMEOUT} min)")
    trusted = _trusted(row, asked.pop("trusted", {}))
    if trusted != row.settings["trusted"] and not admin:
        raise WoodpeckerError(403, "Insufficient privileges")
    if timeout < 1:
        raise WoodpeckerError(400, "Timeout must be at least 1 minute")
    for key, (choices, message) in _CHOICES.items():
        if asked.get(key, choices[0]) not in choices:
            raise WoodpeckerError(400, message)
    row.settings |= asked | {"trusted": trusted}


def _trusted(row: Repository, asked: dict[str, Any]) -> dict[str, bool]:
    given = {key: value for key, value in asked.items() if key in _SWITCHES and value is not None}
    if not all(isinstance(value, bool) for value in given.values()):
        raise WoodpeckerError(400)
    return {**row.settings["trusted"], **given}
