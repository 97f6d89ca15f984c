"""Woodpecker's secrets: of one repository, and of the whole instance."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from generator.sandbox.messages import Request, Response, json_response, page_of, route
from generator.sandbox.woodpecker.errors import WoodpeckerError
from generator.sandbox.woodpecker.settings import UnreadableBodyError, bound
from generator.sandbox.woodpecker.state import EVENTS, Secret

if TYPE_CHECKING:
    from generator.sandbox.woodpecker.application import Caller, Woodpecker


_TYPES: dict[str, type] = {"name": str, "value": str, "events": list, "images": list, "note": str}
# The characters of an image's name, with an optional tag and digest; the server's own pattern tells more parts apart.
_IMAGE = re.compile(r"[\w./-]+(:[\w-]+)?(/[\w./-]+(:[\w-]+)?)?(@sha256:[a-f0-9]{64})?")


class SecretsApi:
    """Handlers for /secrets and /repos/{id}/secrets."""

    def __init__(self, woodpecker: Woodpecker) -> None:
        self._woodpecker = woodpecker

    @route("GET", "/secrets")
    def global_secrets(self, request: Request, caller: Caller) -> Response:
        """The instance's secrets, for any user."""
        self._woodpecker.signed_in(caller)
        return _listed(request, self._woodpecker.global_secrets, {})

    @route("GET", "/secrets/<name>")
    def global_secret(self, request: Request, caller: Caller, name: str) -> Response:
        """One of the instance's secrets."""
        self._woodpecker.signed_in(caller)
        return json_response(200, _view(_found(self._woodpecker.global_secrets, name), {}))

    @route("POST", "/secrets")
    def create_global_secret(self, request: Request, caller: Caller) -> Response:
        """Add a secret for all repositories, as the instance's administrator."""
        self._administrator(caller)
        made = self._added(self._woodpecker.global_secrets, request, "global secret")
        return json_response(200, _view(made, {}))

    @route("PATCH", "/secrets/<name>")
    def update_global_secret(self, request: Request, caller: Caller, name: str) -> Response:
        """Change one of the instance's secrets, as its administrator."""
        self._administrator(caller)
        changed = _changed(self._woodpecker.global_secrets, name, request, "global secret", 400)
        return json_response(200, _view(changed, {}))

    @route("DELETE", "/secrets/<name>")
    def delete_global_secret(self, request: Request, caller: Caller, name: str) -> Response:
        """Take one of the instance's secrets away, as its administrator."""
        self._administrator(caller)
        _found(self._woodpecker.global_secrets, name)
        del self._woodpecker.global_secrets[name]
        return Response(204)

    @route("GET", "/repos/<number>/secrets")
    def secrets(self, request: Request, caller: Caller, number: str) -> Response:
        """A repository's secrets."""
        row = self._woodpecker.pushed(caller, number)
        return _listed(request, row.secrets, {"repo_id": row.id})

    @route("POST", "/repos/<number>/secrets")
    def create(self, request: Request, caller: Caller, number: str) -> Response:
        """Add a secret; a duplicate name is a 500, as with the real server."""
        row = self._woodpecker.pushed(caller, number)
        return json_response(200, _view(self._added(row.secrets, request, "secret"), {"repo_id": row.id}))

    @route("GET", "/repos/<number>/secrets/<name>")
    def read(self, request: Request, caller: Caller, number: str, name: str) -> Response:
        """One of a repository's secrets."""
        row = self._woodpecker.pushed(caller, number)
        return json_response(200, _view(_found(row.secrets, name), {"repo_id": row.id}))

    @route("PATCH", "/repos/<number>/secrets/<name>")
    def update(self, request: Request, caller: Caller, number: str, name: str) -> Response:
        """Change one of a repository's secrets; its name stays."""
        row = self._woodpecker.pushed(caller, number)
        return json_response(200, _view(_changed(row.secrets, name, request, "secret", 422), {"repo_id": row.id}))

    @route("DELETE", "/repos/<number>/secrets/<name>")
    def delete(self, request: Request, caller: Caller, number: str, name: str) -> Response:
        """Take a secret away."""
        row = self._woodpecker.pushed(caller, number)
        _found(row.secrets, name)
        del row.secrets[name]
        return Response(204)

    def _administrator(self, caller: Caller) -> None:
        self._woodpecker.signed_in(caller)
        if not caller.admin:
            raise WoodpeckerError(403, "User not authorized")

    def _added(self, secrets: dict[str, Secret], request: Request, kind: str) -> Secret:
        asked = _bound(request)
        name = asked.get("name", "")
        made = Secret(0, name, asked.get("value", ""), asked.get("events", []), asked.get("images"))
        made.note = asked.get("note", "")
        if wrong := _wrong(made):
            raise WoodpeckerError(422, f"Error inserting {kind}. {wrong}")
        if name in secrets:
            text = "on insert duplicate based on constraints was detected"
            raise WoodpeckerError(500, f'Error inserting {kind} "{name}". {text}')
        made.id = next(self._woodpecker.secret_ids)
        secrets[name] = made
        return made


def _bound(request: Request) -> dict[str, Any]:
    try:
        return bound(request, _TYPES)
    except UnreadableBodyError as error:
        raise WoodpeckerError(400, f"Error parsing secret. {error}") from error


def _changed(secrets: dict[str, Secret], name: str, request: Request, kind: str, invalid: int) -> Secret:
    asked = _bound(request)
    changed = replace(_found(secrets, name))
    changed.value = asked.get("value") or changed.value
    for key in ("events", "images", "note"):
        setattr(changed, key, asked.get(key, getattr(changed, key)))
    if wrong := _wrong(changed):
        raise WoodpeckerError(invalid, f"Error updating {kind}. {wrong}")
    secrets[name] = changed
    return changed


def _listed(request: Request, secrets: dict[str, Secret], extra: dict[str, int]) -> Response:
    """A page of them; ``null`` when there is nothing on it."""
    shown = [_view(secret, extra) for secret in secrets.values()]
    return json_response(200, page_of(shown, request, size_name="perPage", default=50, maximum=50) or None)


def _found(secrets: dict[str, Secret], name: str) -> Secret:
    if name not in secrets:
        raise WoodpeckerError(404)
    return secrets[name]


def _wrong(secret: Secret) -> str:
    """The server's error for a secret that it rejects: events are checked first, name and value last."""
    odd = [str(event) for event in secret.events if event not in EVENTS]
    if odd:
        return f"invalid webhook event: {odd[0]}\ninvalid secret event"
    if not secret.events:
        return "invalid secret event: no event specified"
    for image in secret.images or []:
        if not _IMAGE.fullmatch(str(image)):
            return f"invalid secret image: image '{image}' do not match"
    if not secret.name:
        return "invalid secret name: empty name"
    return "" if secret.value else "invalid secret value: empty value"


def _view(secret: Secret, extra: dict[str, int]) -> dict[str, Any]:
    shown = {"id": secret.id, "name": secret.name, "events": sorted(secret.events), "images": secret.images}
    return shown | {"note": secret.note, "org_id": 0, "repo_id": 0} | extra
