"""Woodpecker's user and repositories: activation, settings, repair."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.sandbox.github.repositories_api import add_hook
from generator.sandbox.github.state import Repository as GitHubRepository
from generator.sandbox.messages import Request, Response, json_response, page_of, route
from generator.sandbox.woodpecker import settings
from generator.sandbox.woodpecker.errors import WoodpeckerError
from generator.sandbox.woodpecker.state import Repository, timestamp

if TYPE_CHECKING:
    from generator.sandbox.woodpecker.application import Caller, Woodpecker

_HOOK_EVENTS = ["push", "pull_request", "pull_request_review", "deployment"]
# What Go reads as true.
TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})


class RepositoriesApi:
    """Handlers for /user and /repos."""

    def __init__(self, woodpecker: Woodpecker) -> None:
        self._woodpecker = woodpecker

    @route("GET", "/user")
    def me(self, request: Request, caller: Caller) -> Response:
        """The token's user; ``admin`` is present only if true."""
        user = self._woodpecker.signed_in(caller)
        shown = {
            "id": 1,
            "forge_id": 1,
            "forge_remote_id": str(self._woodpecker.github.users.get(user, 0)),
            "login": user,
            "email": f"{user.lower()}@noreply.sandbox.test",
            "avatar_url": f"{self._woodpecker.github.views.web}/avatars/u/{self._woodpecker.github.users.get(user, 0)}",
            "org_id": 1,
        }
        return json_response(200, shown | ({"admin": True} if caller.admin else {}))

    @route("GET", "/user/repos")
    def own_repositories(self, request: Request, caller: Caller) -> Response:
        """The caller's active repositories; with ``all`` also those of the forge without a row, which have no ``id``.

        Pages are not minded. Nothing is ``[]``, but ``null`` with ``all``.
        """
        user = self._woodpecker.signed_in(caller)
        rows = [row for row in self._woodpecker.repositories.values() if row.full_name.partition("/")[0] == user]
        if request.parameter("all") in TRUE:
            return json_response(200, self._everything(user, rows) or None)
        return json_response(200, [self._with_last_pipeline(row) for row in rows if row.active])

    @route("GET", "/repos")
    def instance(self, request: Request, caller: Caller) -> Response:
        """All rows, for the instance's administrators only."""
        self._woodpecker.signed_in(caller)
        if not caller.admin:
            raise WoodpeckerError(403, "User not authorized")
        shown = [self._view(row) for row in self._woodpecker.repositories.values()]
        return json_response(200, page_of(shown, request, size_name="perPage", default=50, maximum=50))

    @route("GET", "/repos/lookup/<path:full_name>")
    def lookup(self, request: Request, caller: Caller, full_name: str) -> Response:
        """A row by ``owner/name``, deactivated ones too. 404 for what was never activated."""
        try:
            row = self._woodpecker.repository(full_name)
        except KeyError as error:
            raise WoodpeckerError(404 if caller.user else 401) from error
        return json_response(200, self._view(self._woodpecker.readable(caller, row)))

    @route("POST", "/repos")
    def activate(self, request: Request, caller: Caller) -> Response:
        """Activate a repository of the forge by its identifier there; an inactive row keeps its id and settings."""
        user = self._woodpecker.signed_in(caller)
        remote = request.parameter("forge_remote_id")
        if remote in ("", "0"):
            raise WoodpeckerError(400, "No forge_remote_id provided")
        row = self._row_of(remote)
        if row is not None and row.active:
            raise WoodpeckerError(409, "Repository is already active.")
        entry = self._administered_on_forge(user, remote)
        hook = self._add_hook(entry)
        if row is None and self._has_row(entry.full_name):
            # Recreated on the forge under its old name: the webhook exists before the conflict is found.
            text = "Repository already exists in Woodpecker. Remove the stale repository entry and try again."
            raise WoodpeckerError(409, text)
        row = row or self._new_row(entry)
        row.active = True
        row.rename(entry.full_name)
        row.private, row.hook = entry.private, hook
        return json_response(200, self._view(row))

    @route("GET", "/repos/<number>")
    def read(self, request: Request, caller: Caller, number: str) -> Response:
        """A row by its own number."""
        return json_response(200, self._view(self._woodpecker.row(caller, number)))

    @route("GET", "/repos/<number>/permissions")
    def permissions(self, request: Request, caller: Caller, number: str) -> Response:
        """What the caller may do with a row; anyone may ask."""
        row = self._woodpecker.numbered(caller, number)
        mine = self._woodpecker.owns(caller, row)
        seen = mine or row.settings["visibility"] == "public"
        moment = timestamp()
        return json_response(
            200, {"pull": seen, "push": mine, "admin": mine, "synced": moment, "created": moment, "updated": moment}
        )

    @route("PATCH", "/repos/<number>")
    def update(self, request: Request, caller: Caller, number: str) -> Response:
        """Change settings; a body that is not declared as JSON is ignored, and the answer is 200 all the same."""
        row = self._woodpecker.administered(caller, number)
        settings.change(row, request, admin=caller.admin)
        return json_response(200, self._view(row))

    @route("DELETE", "/repos/<number>")
    def deactivate(self, request: Request, caller: Caller, number: str) -> Response:
        """Deactivate; only ``remove=true`` drops the row, its secrets and its pipelines."""
        row = self._woodpecker.administered(caller, number)
        row.active = False
        self._drop_hook(row)
        if request.parameter("remove") in TRUE:
            del self._woodpecker.repositories[row.id]
        return json_response(200, self._view(row))

    @route("GET", "/repos/<number>/cron")
    def schedules(self, request: Request, caller: Caller, number: str) -> Response:
        """The schedules; there is no way to add one."""
        row = self._woodpecker.administered(caller, number)
        page = page_of(row.schedules, request, size_name="perPage", default=50, maximum=50)
        return json_response(200, page)

    @route("POST", "/repos/<number>/chown")
    def take_over(self, request: Request, caller: Caller, number: str) -> Response:
        """Make the caller the one in whose name the forge is asked."""
        return json_response(200, self._view(self._woodpecker.administered(caller, number)))

    @route("POST", "/repos/<number>/repair")
    def repair(self, request: Request, caller: Caller, number: str) -> Response:
        """Drop one webhook, add one, and follow the forge's name and identifier; the old name still leads here."""
        row = self._woodpecker.administered(caller, number)
        entry = self._woodpecker.on_forge(row.forge_remote_id) or self._named(row.full_name)
        if entry is None:
            raise WoodpeckerError(500)
        self._drop_hook(row)
        row.rename(entry.full_name)
        row.forge_remote_id, row.private = str(entry.id), entry.private
        row.default_branch = entry.default_branch
        row.hook = self._add_hook(entry)
        return Response(204)

    def _administered_on_forge(self, user: str, remote: str) -> GitHubRepository:
        """The forge's repository, which only its administrator may activate."""
        entry = self._woodpecker.on_forge(remote)
        if entry is None or (entry.private and entry.owner != user):
            raise WoodpeckerError(500, "Could not fetch repository from forge.")
        if entry.owner != user:
            raise WoodpeckerError(403, "User has to be a admin of this repository")
        return entry

    def _has_row(self, full_name: str) -> bool:
        rows = self._woodpecker.repositories.values()
        return any(row.full_name.lower() == full_name.lower() for row in rows)

    def _everything(self, user: str, rows: list[Repository]) -> list[dict[str, Any]]:
        """The forge's repositories that the user administers, then the rows that the forge has nothing for any more."""
        known = {row.forge_remote_id: row for row in rows}
        named = {row.full_name.lower(): row for row in rows}
        shown = []
        entries = [entry for entry in self._woodpecker.github.repositories.values() if entry.owner == user]
        for entry in sorted(entries, key=lambda entry: entry.full_name.lower()):
            if entry.archived:
                continue
            row, namesake = known.pop(str(entry.id), None), named.get(entry.full_name.lower())
            if row is None and namesake is not None:
                known.pop(namesake.forge_remote_id, None)
                shown.append(self._unregistered(entry) | {"id": namesake.id, "has_forge_name_conflict": True})
            else:
                shown.append(self._unregistered(entry) if row is None else self._view(row))
        return shown + [self._view(row) | {"has_no_forge_repo": True} for row in known.values()]

    def _with_last_pipeline(self, row: Repository) -> dict[str, Any]:
        last = {key: value for key, value in row.pipelines[-1].items() if key != "workflows"} if row.pipelines else None
        return self._view(row) | ({"last_pipeline": last} if last else {})

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
        self._woodpecker.repositories[number] = row
        return row

    def _add_hook(self, entry: GitHubRepository) -> int:
        """One webhook of ours takes the place of another; that of another address stays."""
        config = {"url": f"{self._woodpecker.web}/api/hook?access_token=hidden", "content_type": "form"}
        for number, hook in entry.hooks.items():
            if str(hook["config"].get("url", "")).startswith(f"{self._woodpecker.web}/"):
                del entry.hooks[number]
                break
        return int(add_hook(self._woodpecker.github, entry, config, list(_HOOK_EVENTS))["id"])

    def _drop_hook(self, row: Repository) -> None:
        entry = self._woodpecker.on_forge(row.forge_remote_id)
        if entry is not None and row.hook is not None:
            entry.hooks.pop(row.hook, None)
        row.hook = None

    def _unregistered(self, entry: GitHubRepository) -> dict[str, Any]:
        row = Repository(0, str(entry.id), entry.full_name, entry.private, entry.default_branch, active=False)
        unknown = {"org_id": 0, "visibility": "", "require_approval": "", "cancel_previous_pipeline_events": None}
        shown = self._view(row) | unknown
        return {key: value for key, value in shown.items() if key not in ("id", "timeout")}

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
            "avatar_url": f"{web}/avatars/u/{self._woodpecker.github.users.get(owner, 0)}",
            "forge_url": f"{web}/{row.full_name}",
            "clone_url": f"{web}/{row.full_name}.git",
            "clone_url_ssh": f"git@localhost:{row.full_name}.git",
            "default_branch": row.default_branch,
            "private": row.private,
            "active": row.active,
            "pr_enabled": True,
            **row.settings,
        }
