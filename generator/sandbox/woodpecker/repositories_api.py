"""Woodpecker's user and repositories: activation, settings, repair."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from generator.sandbox.github.repositories_api import add_hook
from generator.sandbox.github.state import Repository as GitHubRepository
from generator.sandbox.messages import Request, Response, json_response, page_of, route
from generator.sandbox.woodpecker.errors import WoodpeckerError
from generator.sandbox.woodpecker.state import Repository

if TYPE_CHECKING:
    from generator.sandbox.woodpecker.application import Caller, Woodpecker

_HOOK_EVENTS = ["push", "pull_request", "pull_request_review", "deployment", "release"]
_LONGEST_TIMEOUT = 120


class RepositoriesApi:
    """Handlers for /user and /repos."""

    def __init__(self, woodpecker: Woodpecker) -> None:
        self._woodpecker = woodpecker

    @route("GET", "/user")
    def me(self, request: Request, caller: Caller) -> Response:
        """The token's user; ``admin`` is there only when true."""
        user = self._woodpecker.signed_in(caller)
        shown = {
            "id": 1,
            "forge_id": 1,
            "forge_remote_id": str(self._woodpecker.github.users.get(user, 0)),
            "login": user,
            "email": f"{user.lower()}@noreply.sandbox.test",
            "avatar_url": f"{self._woodpecker.github.views.web}/avatars/{user}",
            "org_id": 1,
        }
        return json_response(200, shown | ({"admin": True} if caller.admin else {}))

    @route("GET", "/user/repos")
    def own_repositories(self, request: Request, caller: Caller) -> Response:
        """Active repositories; with ``all`` also those of the forge without a row, which have no ``id``."""
        user = self._woodpecker.signed_in(caller)
        rows = {row.forge_remote_id: row for row in self._woodpecker.repositories.values()}
        shown = [self._view(row) for row in rows.values() if row.active]
        if request.parameter("all") == "true":
            shown = [
                self._view(rows[str(entry.id)]) if str(entry.id) in rows else self._unregistered(entry)
                for entry in self._woodpecker.github.repositories.values()
                if entry.owner == user
            ]
        page = page_of(shown, request, size_name="perPage", default=50, maximum=50)
        return json_response(200, page or None)

    @route("GET", "/repos/lookup/<path:full_name>")
    def lookup(self, request: Request, caller: Caller, full_name: str) -> Response:
        """A row by ``owner/name``, deactivated ones too. 404 for what was never activated."""
        try:
            row = self._woodpecker.repository(full_name)
        except KeyError as error:
            raise WoodpeckerError(404 if caller.user else 401) from error
        if row.private:
            self._woodpecker.signed_in(caller)
        return json_response(200, self._view(row))

    @route("POST", "/repos")
    def activate(self, request: Request, caller: Caller) -> Response:
        """Activate a repository of the forge by its identifier there; an inactive row keeps its id and settings."""
        user = self._woodpecker.signed_in(caller)
        remote = request.parameter("forge_remote_id")
        if remote in ("", "0"):
            raise WoodpeckerError(400, "No forge_remote_id provided")
        entry = self._woodpecker.on_forge(remote)
        if entry is None:
            raise WoodpeckerError(500, "Could not fetch repository from forge.")
        if entry.owner != user:
            raise WoodpeckerError(403, "User has to be a admin of this repository")
        row = self._row_of(remote)
        if row is not None and row.active:
            raise WoodpeckerError(409, "Repository is already active.")
        with contextlib.suppress(KeyError):
            if row is None and self._woodpecker.repository(entry.full_name):
                # Recreated on the forge under its old name: the webhook is there before the conflict is found.
                self._add_hook(entry)
                raise WoodpeckerError(409, "Repository already exists with a different forge_remote_id.")
        row = row or self._new_row(entry)
        row.active = True
        row.full_name, row.private = entry.full_name, entry.private
        row.hook = self._add_hook(entry)
        return json_response(200, self._view(row))

    @route("GET", "/repos/<number>")
    def read(self, request: Request, caller: Caller, number: str) -> Response:
        """A row by its own number."""
        return json_response(200, self._view(self._woodpecker.row(caller, number)))

    @route("PATCH", "/repos/<number>")
    def update(self, request: Request, caller: Caller, number: str) -> Response:
        """Change settings; a body that is not declared as JSON is ignored, and the answer is 200 all the same."""
        row = self._woodpecker.administered(caller, number)
        if request.header("content-type").partition(";")[0].strip() == "application/json":
            _apply(row, request.json_object(), admin=caller.admin)
        return json_response(200, self._view(row))

    @route("DELETE", "/repos/<number>")
    def deactivate(self, request: Request, caller: Caller, number: str) -> Response:
        """Deactivate; only ``remove=true`` drops the row, its secrets and its pipelines."""
        row = self._woodpecker.administered(caller, number)
        row.active = False
        self._drop_hook(row)
        if request.parameter("remove") == "true":
            del self._woodpecker.repositories[row.id]
        return json_response(200, self._view(row))

    @route("POST", "/repos/<number>/repair")
    def repair(self, request: Request, caller: Caller, number: str) -> Response:
        """Drop one webhook, add one, and follow the forge's name and identifier."""
        row = self._woodpecker.administered(caller, number)
        entry = self._woodpecker.on_forge(row.forge_remote_id) or self._named(row.full_name)
        if entry is None:
            raise WoodpeckerError(500, "Could not fetch repository from forge.")
        self._drop_hook(row)
        row.forge_remote_id, row.full_name, row.private = str(entry.id), entry.full_name, entry.private
        row.default_branch = entry.default_branch
        row.hook = self._add_hook(entry)
        return Response(204)

    def _row_of(self, remote: str) -> Repository | None:
        for row in self._woodpecker.repositories.values():
            if row.forge_remote_id == remote:
                return row
        return None

    def _named(self, full_name: str) -> GitHubRepository | None:
        return self._woodpecker.github.repositories.get(full_name.lower())

    def _new_row(self, entry: GitHubRepository) -> Repository:
        number = next(self._woodpecker.ids)
        row = Repository(number, str(entry.id), entry.full_name, entry.private, entry.default_branch)
        row.settings["visibility"] = "private" if entry.private else "public"
        self._woodpecker.repositories[number] = row
        return row

    def _add_hook(self, entry: GitHubRepository) -> int:
        config = {"url": f"{self._woodpecker.web}/api/hook?access_token=hidden", "content_type": "form"}
        return int(add_hook(self._woodpecker.github, entry, config, list(_HOOK_EVENTS))["id"])

    def _drop_hook(self, row: Repository) -> None:
        entry = self._woodpecker.on_forge(row.forge_remote_id)
        if entry is not None and row.hook is not None:
            entry.hooks.pop(row.hook, None)
        row.hook = None

    def _unregistered(self, entry: GitHubRepository) -> dict[str, Any]:
        row = Repository(0, str(entry.id), entry.full_name, entry.private, entry.default_branch, active=False)
        shown = self._view(row)
        del shown["id"]
        return shown

    def _view(self, row: Repository) -> dict[str, Any]:
        owner, _, name = row.full_name.partition("/")
        web = self._woodpecker.github.views.web
        return {
            "id": row.id,
            "forge_id": 1,
            "forge_remote_id": row.forge_remote_id,
            "org_id": 1,
            "owner": owner,
            "name": name,
            "full_name": row.full_name,
            "avatar_url": f"{web}/avatars/{owner}",
            "forge_url": f"{web}/{row.full_name}",
            "clone_url": f"{web}/{row.full_name}.git",
            "clone_url_ssh": f"git@localhost:{row.full_name}.git",
            "default_branch": row.default_branch,
            "private": row.private,
            "active": row.active,
            "pr_enabled": True,
            "has_forge_name_conflict": False,
            "has_no_forge_repo": False,
            "config_extension_endpoint": "",
            "registry_extension_endpoint": "",
            "secret_extension_endpoint": "",
            **row.settings,
        }


def _apply(row: Repository, asked: dict[str, Any], *, admin: bool) -> None:
    trusted = asked.get("trusted")
    if trusted is not None and not isinstance(trusted, dict):
        raise WoodpeckerError(400, "json: cannot unmarshal bool into Go struct field RepoPatch.trusted")
    wanted = {**row.settings["trusted"], **{key: value for key, value in (trusted or {}).items() if value is not None}}
    if wanted != row.settings["trusted"] and not admin:
        raise WoodpeckerError(403, "Insufficient privileges")
    timeout = asked.get("timeout")
    if timeout is not None and timeout > _LONGEST_TIMEOUT and not admin:
        raise WoodpeckerError(403, "Timeout is not allowed to be higher than max timeout")
    if timeout is not None and timeout < 1:
        raise WoodpeckerError(400, "Timeout must be at least 1")
    known = {key: value for key, value in asked.items() if key in row.settings and value is not None}
    row.settings |= known | {"trusted": wanted}
