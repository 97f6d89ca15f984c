"""Woodpecker's secrets: of one repository, and of the whole instance."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.sandbox.messages import Request, Response, json_response, page_of, route
from generator.sandbox.woodpecker.errors import WoodpeckerError
from generator.sandbox.woodpecker.state import EVENTS, Secret

if TYPE_CHECKING:
    from generator.sandbox.woodpecker.application import Caller, Woodpecker


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

    @route("PATCH", "/secrets/<name>")
    def update_global_secret(self, request: Request, caller: Caller, name: str) -> Response:
        """Change one of the instance's secrets, as its administrator."""
        self._administrator(caller)
        secret = _found(self._woodpecker.global_secrets, name)
        _change(secret, request.json_object())
        return json_response(200, _view(secret, {}))

    @route("GET", "/repos/<number>/secrets")
    def secrets(self, request: Request, caller: Caller, number: str) -> Response:
        """A repository's secrets."""
        row = self._woodpecker.administered(caller, number)
        return _listed(request, row.secrets, {"repo_id": row.id})

    @route("POST", "/repos/<number>/secrets")
    def create(self, request: Request, caller: Caller, number: str) -> Response:
        """Add a secret; a duplicate name is a 500, as with the real server."""
        row = self._woodpecker.administered(caller, number)
        asked = request.json_object() if _declared_json(request) else {}
        name, events = str(asked.get("name") or ""), list(asked.get("events") or [])
        _check(name, str(asked.get("value") or ""), events)
        if name in row.secrets:
            raise WoodpeckerError(500, f"Error inserting secret {name}. UNIQUE constraint failed")
        number_of = next(self._woodpecker.secret_ids)
        row.secrets[name] = Secret(number_of, name, str(asked["value"]), events, list(asked.get("images") or []))
        return json_response(200, _view(row.secrets[name], {"repo_id": row.id}))

    @route("GET", "/repos/<number>/secrets/<name>")
    def read(self, request: Request, caller: Caller, number: str, name: str) -> Response:
        """One of a repository's secrets."""
        row = self._woodpecker.administered(caller, number)
        return json_response(200, _view(_found(row.secrets, name), {"repo_id": row.id}))

    @route("PATCH", "/repos/<number>/secrets/<name>")
    def update(self, request: Request, caller: Caller, number: str, name: str) -> Response:
        """Change one of a repository's secrets; its name stays."""
        row = self._woodpecker.administered(caller, number)
        secret = _found(row.secrets, name)
        _change(secret, request.json_object() if _declared_json(request) else {})
        return json_response(200, _view(secret, {"repo_id": row.id}))

    @route("DELETE", "/repos/<number>/secrets/<name>")
    def delete(self, request: Request, caller: Caller, number: str, name: str) -> Response:
        """Take a secret away."""
        row = self._woodpecker.administered(caller, number)
        _found(row.secrets, name)
        del row.secrets[name]
        return Response(204)

    def _administrator(self, caller: Caller) -> None:
        self._woodpecker.signed_in(caller)
        if not caller.admin:
            raise WoodpeckerError(403, "User not authorized")


def _declared_json(request: Request) -> bool:
    return request.header("content-type").partition(";")[0].strip() == "application/json"


def _listed(request: Request, secrets: dict[str, Secret], extra: dict[str, int]) -> Response:
    shown = [_view(secret, extra) for secret in secrets.values()]
    return json_response(200, page_of(shown, request, size_name="perPage", default=50, maximum=50))


def _found(secrets: dict[str, Secret], name: str) -> Secret:
    if name not in secrets:
        raise WoodpeckerError(404, "Not Found")
    return secrets[name]


def _check(name: str, value: str, events: list[str]) -> None:
    if not name:
        raise WoodpeckerError(422, "Error inserting secret. empty name")
    if not value:
        raise WoodpeckerError(422, "Error inserting secret. empty value")
    if not events or not set(events) <= set(EVENTS):
        raise WoodpeckerError(422, "Error inserting secret. invalid or no event")


def _change(secret: Secret, asked: dict[str, Any]) -> None:
    events = asked.get("events")
    if events is not None:
        _check(secret.name, secret.value, list(events))
        secret.events = list(events)
    if asked.get("images") is not None:
        secret.images = list(asked["images"])
    if asked.get("value"):
        secret.value = str(asked["value"])


def _view(secret: Secret, extra: dict[str, int]) -> dict[str, Any]:
    shown = {"id": secret.id, "name": secret.name, "events": secret.events, "images": secret.images}
    return shown | {"note": secret.note, "org_id": 0, "repo_id": 0} | extra
