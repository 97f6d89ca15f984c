"""Forgejo's push mirrors."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.sandbox.forgejo.errors import ForgejoError, archived
from generator.sandbox.forgejo.mirrors import check_address, parse_interval
from generator.sandbox.forgejo.state import PushMirror
from generator.sandbox.messages import Request, Response, json_response, page_of, route

if TYPE_CHECKING:
    from generator.sandbox.forgejo.application import Caller, Forgejo


class MirrorsApi:
    """Handlers for /repos/{owner}/{repo}/push_mirrors and push_mirrors-sync."""

    def __init__(self, forgejo: Forgejo) -> None:
        self._forgejo = forgejo

    @route("GET", "/repos/<owner>/<repo>/push_mirrors")
    def mirrors(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """The push mirrors: all of them, unless a page is asked for."""
        repository = self._forgejo.administered(caller, owner, repo, to_read=True)
        shown = repository.mirrors
        if request.parameter("page"):
            shown = page_of(shown, request, size_name="limit", default=30, maximum=50)
        body = [self._forgejo.views.mirror(repository, mirror) for mirror in shown]
        return json_response(200, body, {"X-Total-Count": str(len(repository.mirrors))})

    @route("POST", "/repos/<owner>/<repo>/push_mirrors")
    def create(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Add a push mirror (200); duplicates are fine with Forgejo, and nothing is pushed yet."""
        repository = self._forgejo.writable(caller, owner, repo)
        asked = request.json_object()
        address = str(asked.get("remote_address") or "")
        username, password = str(asked.get("remote_username") or ""), str(asked.get("remote_password") or "")
        if asked.get("use_ssh"):
            if username or password:
                raise ForgejoError(400, "'use_ssh' is mutually exclusive with 'remote_username' and 'remote_password'")
            raise ForgejoError(400, "SSH authentication is not available")
        interval = parse_interval(asked.get("interval"))
        check_address(address, self._forgejo.mirror_hosts)
        mirror = PushMirror(
            remote_address=address,
            interval=interval,
            sync_on_commit=bool(asked.get("sync_on_commit", False)),
            username=username,
            password=password,
            branch_filter=str(asked.get("branch_filter") or ""),
        )
        repository.mirrors.append(mirror)
        return json_response(200, self._forgejo.views.mirror(repository, mirror))

    @route("GET", "/repos/<owner>/<repo>/push_mirrors/<name>")
    def mirror(self, request: Request, caller: Caller, owner: str, repo: str, name: str) -> Response:
        """A push mirror by remote name."""
        repository = self._forgejo.administered(caller, owner, repo, to_read=True)
        for mirror in repository.mirrors:
            if mirror.remote_name == name:
                return json_response(200, self._forgejo.views.mirror(repository, mirror))
        # What the server really says when its error is nil.
        raise ForgejoError(404, "%!s(<nil>)")

    @route("DELETE", "/repos/<owner>/<repo>/push_mirrors/<name>")
    def delete(self, request: Request, caller: Caller, owner: str, repo: str, name: str) -> Response:
        """Take a push mirror away; 204 for an unknown one, too."""
        repository = self._forgejo.writable(caller, owner, repo)
        repository.mirrors = [mirror for mirror in repository.mirrors if mirror.remote_name != name]
        return Response(204)

    @route("POST", "/repos/<owner>/<repo>/push_mirrors-sync")
    def sync(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Push to all mirrors before answering; 500 when one failed, whose ``last_error`` says why."""
        repository = self._forgejo.administered(caller, owner, repo)
        if repository.archived:
            raise archived(repository.full_name)
        if not self._forgejo.mirrors.sync(repository):
            raise ForgejoError(500)
        return Response(200)
