"""GitHub Actions: secrets, permissions, workflows and runs."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

import yaml

from generator.sandbox.github import views
from generator.sandbox.github.errors import GitHubError, not_found
from generator.sandbox.github.runs import workflow_number
from generator.sandbox.github.state import Repository, Secret, now
from generator.sandbox.messages import Request, Response, json_response, page_of, route

if TYPE_CHECKING:
    from generator.sandbox.github.application import Caller, GitHub

_SECRET_NAME = re.compile(r"^(?!GITHUB_)[A-Z_][A-Z0-9_]*$")


class ActionsApi:
    """Handlers below /repos/{owner}/{repo}/actions."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    @route("GET", "/repos/<owner>/<repo>/actions/secrets/public-key")
    def public_key(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """The key that secrets have to be sealed with."""
        repository = self._github.administered(caller, owner, repo, archived_too=True)
        return json_response(200, {"key_id": repository.key_id, "key": repository.public_key})

    @route("GET", "/repos/<owner>/<repo>/actions/secrets")
    def secrets(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """The names of the secrets."""
        repository = self._github.administered(caller, owner, repo, archived_too=True)
        shown = [views.secret(name, stored) for name, stored in sorted(repository.secrets.items())]
        page = page_of(shown, request, size_name="per_page", default=30, maximum=100)
        return json_response(200, {"total_count": len(shown), "secrets": page})

    @route("GET", "/repos/<owner>/<repo>/actions/secrets/<name>")
    def secret(self, request: Request, caller: Caller, owner: str, repo: str, name: str) -> Response:
        """A secret without its value."""
        repository = self._github.administered(caller, owner, repo, archived_too=True)
        stored = repository.secrets.get(name.upper())
        if stored is None:
            raise not_found()
        return json_response(200, views.secret(name.upper(), stored))

    @route("PUT", "/repos/<owner>/<repo>/actions/secrets/<name>")
    def put_secret(self, request: Request, caller: Caller, owner: str, repo: str, name: str) -> Response:
        """Store a secret: 201 when it is new, 204 when it replaces one."""
        repository = self._github.administered(caller, owner, repo)
        name = name.upper()
        if not _SECRET_NAME.match(name):
            raise GitHubError(422, "Secret names can only contain alphanumeric characters or underscores.")
        sealed = _sealed(repository, request.json_object())
        old = repository.secrets.get(name)
        repository.secrets[name] = Secret(sealed, old.created_at if old else now(), now())
        return Response(204) if old else json_response(201, {})

    @route("DELETE", "/repos/<owner>/<repo>/actions/secrets/<name>")
    def delete_secret(self, request: Request, caller: Caller, owner: str, repo: str, name: str) -> Response:
        """Take a secret away."""
        repository = self._github.administered(caller, owner, repo)
        if repository.secrets.pop(name.upper(), None) is None:
            raise not_found()
        return Response(204)

    @route("GET", "/repos/<owner>/<repo>/actions/permissions")
    def permissions(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Whether Actions may run."""
        repository = self._github.administered(caller, owner, repo, archived_too=True)
        shown: dict[str, Any] = {"enabled": repository.actions_enabled}
        return json_response(200, shown | ({"allowed_actions": "all"} if repository.actions_enabled else {}))

    @route("PUT", "/repos/<owner>/<repo>/actions/permissions")
    def set_permissions(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Switch Actions on or off."""
        repository = self._github.administered(caller, owner, repo)
        repository.actions_enabled = bool(request.json_object().get("enabled"))
        return Response(204)

    @route("GET", "/repos/<owner>/<repo>/actions/workflows")
    def workflows(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """The workflows of the default branch."""
        repository = self._github.visible(caller, owner, repo)
        shown = self._workflows(repository)
        return json_response(200, {"total_count": len(shown), "workflows": shown})

    @route("GET", "/repos/<owner>/<repo>/actions/runs")
    def runs(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """The runs that were recorded, newest first; the sandbox itself runs nothing."""
        repository = self._github.visible(caller, owner, repo)
        sha, branch = request.parameter("head_sha"), request.parameter("branch")
        found = [
            run
            for run in reversed(repository.runs)
            if (not sha or run["head_sha"] == sha) and (not branch or run["head_branch"] == branch)
        ]
        page = page_of(found, request, size_name="per_page", default=30, maximum=100)
        return json_response(200, {"total_count": len(found), "workflow_runs": page})

    @route("GET", "/repos/<owner>/<repo>/actions/workflows/<workflow>/runs")
    def workflow_runs(self, request: Request, caller: Caller, owner: str, repo: str, workflow: str) -> Response:
        """The runs of one workflow."""
        self._github.visible(caller, owner, repo)
        return self.runs(request, caller, owner, repo)

    @route("GET", "/repos/<owner>/<repo>/actions/runs/<int:number>")
    def run(self, request: Request, caller: Caller, owner: str, repo: str, number: int) -> Response:
        """One run."""
        found = [run for run in self._github.visible(caller, owner, repo).runs if run["id"] == number]
        if not found:
            raise not_found()
        return json_response(200, found[0])

    @route("GET", "/repos/<owner>/<repo>/actions/runs/<int:number>/jobs")
    def jobs(self, request: Request, caller: Caller, owner: str, repo: str, number: int) -> Response:
        """A run's jobs."""
        jobs = self._github.visible(caller, owner, repo).jobs.get(number)
        if jobs is None:
            raise not_found()
        page = page_of(jobs, request, size_name="per_page", default=30, maximum=100)
        return json_response(200, {"total_count": len(jobs), "jobs": page})

    def _workflows(self, repository: Repository) -> list[dict[str, Any]]:
        sha = repository.bare.resolve(repository.default_branch)
        entries = repository.bare.entries(sha, ".github/workflows/") if sha else []
        return [
            self._workflow(repository, entry.path, repository.bare.blob(entry.sha))
            for entry in entries
            if entry.path.endswith((".yml", ".yaml"))
        ]

    def _workflow(self, repository: Repository, path: str, content: bytes) -> dict[str, Any]:
        number = workflow_number(repository, path)
        web = f"{self._github.views.web}/{repository.full_name}"
        return {
            "id": number,
            "node_id": views.node_id("Workflow", str(number)),
            "name": _workflow_name(content) or path,
            "path": path,
            "state": "active",
            "created_at": repository.created_at,
            "updated_at": repository.pushed_at,
            "url": f"{self._github.views.api}/repos/{repository.full_name}/actions/workflows/{number}",
            "html_url": f"{web}/blob/{repository.default_branch}/{path}",
            "badge_url": f"{web}/workflows/{number}/badge.svg",
        }


def _workflow_name(content: bytes) -> str:
    try:
        parsed = yaml.safe_load(content)
    except yaml.YAMLError:
        return ""
    return str(parsed.get("name") or "") if isinstance(parsed, dict) else ""


def _sealed(repository: Repository, asked: dict[str, Any]) -> bytes:
    if str(asked.get("key_id") or "") != repository.key_id:
        raise GitHubError(422, "Missing or wrong key_id: fetch the repository's public key again.")
    try:
        sealed = base64.b64decode(str(asked.get("encrypted_value") or ""), validate=True)
    except binascii.Error as error:
        raise GitHubError(422, "encrypted_value is not base64.") from error
    if repository.open(sealed) is None:
        raise GitHubError(422, "encrypted_value was not sealed with this repository's public key.")
    return sealed
