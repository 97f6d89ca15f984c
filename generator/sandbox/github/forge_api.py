"""What a CI server asks its forge beyond what newservice does: addresses, repositories by number, commit statuses."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.sandbox.github.errors import GitHubError, not_found
from generator.sandbox.github.state import Repository, now
from generator.sandbox.messages import Request, Response, json_response, route

if TYPE_CHECKING:
    from generator.sandbox.github.application import Caller, GitHub

_STATES = ("error", "failure", "pending", "success")


class ForgeApi:
    """Handlers for /user/emails, /repositories and commit statuses."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    @route("GET", "/user/emails")
    def emails(self, request: Request, caller: Caller) -> Response:
        """The caller's one address."""
        if caller.token is None:
            raise GitHubError(401, "Requires authentication")
        address = f"{caller.user.lower()}@noreply.sandbox.test"
        return json_response(200, [{"email": address, "primary": True, "verified": True, "visibility": "public"}])

    @route("GET", "/repositories/<int:number>")
    def repository(self, request: Request, caller: Caller, number: int) -> Response:
        """A repository by its number, whatever it is called by now."""
        return self._github.view(self._numbered(caller, number), caller)

    @route("POST", "/repos/<owner>/<repo>/statuses/<sha>")
    def add_status(self, request: Request, caller: Caller, owner: str, repo: str, sha: str) -> Response:
        """Say how a commit fares."""
        repository = self._github.administered(caller, owner, repo)
        asked = request.json_object()
        if asked.get("state") not in _STATES:
            raise GitHubError(422, "Validation Failed")
        if repository.bare.resolve(sha) is None:
            raise GitHubError(422, f"No commit found for SHA: {sha}")
        wanted = ("state", "target_url", "description", "context")
        status = {"context": "default"} | {key: asked[key] for key in wanted if asked.get(key) is not None}
        moment = now()
        repository.statuses.setdefault(sha, []).append(status)
        return json_response(201, status | {"created_at": moment, "updated_at": moment})

    def _numbered(self, caller: Caller, number: int) -> Repository:
        for repository in self._github.repositories.values():
            if repository.id == number:
                return self._github.visible(caller, repository.owner, repository.name)
        raise not_found()
