"""The sandbox's GitHub as one application: authentication, routing, and git."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from werkzeug.exceptions import HTTPException

from generator.sandbox import git_http
from generator.sandbox.github import lfs, oauth, permissions
from generator.sandbox.github.actions_api import ActionsApi
from generator.sandbox.github.contents_api import ContentsApi
from generator.sandbox.github.errors import GitHubError, not_found
from generator.sandbox.github.forge_api import ForgeApi
from generator.sandbox.github.repositories_api import RepositoriesApi
from generator.sandbox.github.runs import Runs
from generator.sandbox.github.state import Repository, State, Token, now
from generator.sandbox.github.views import Views
from generator.sandbox.messages import Match, Request, Response, Router, json_response, text_response

API = "/api/v3"
# Each updated reference: do its new commits touch a workflow? GitHub asks the same of a token without the scope.
_WORKFLOW_HOOK = """#!/bin/sh
case "$3" in *[!0]*) ;; *) exit 0 ;; esac
for commit in $(git rev-list "$3" --not --all); do
  for path in $(git diff-tree --root -m -r --no-commit-id --name-only "$commit" -- .github/workflows); do
    echo "refusing to allow a Personal Access Token to create or update workflow \\`$path\\`" \\
      "without \\`workflow\\` scope" >&2
    exit 1
  done
done
"""


@dataclass(frozen=True)
class Caller:
    """Who is asking; ``token`` is None for anonymous requests."""

    token: Token | None

    @property
    def user(self) -> str:
        """The login, or an empty string."""
        return self.token.user if self.token else ""


class GitHub(State):
    """GitHub's state and its HTTP face."""

    def __init__(self, root: Path, owner: str, token: str, web: str) -> None:
        super().__init__(root, owner, token)
        self.views = Views(web)
        self.lock = threading.RLock()
        runs = Runs(self)
        self.record_run, self.update_run = runs.record, runs.update
        self.oauth = oauth.OAuth(self)
        self._router = Router([RepositoriesApi(self), ContentsApi(self), ActionsApi(self), ForgeApi(self)])
        self._hooks = root / ".hooks"
        git_http.write_hook(self._hooks, "update", _WORKFLOW_HOOK)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        git = git_http.GitRequest.of(request)
        if git is not None:
            return self._git(git, request)
        if (stored := lfs.asked_for(request.path)) is not None:
            with self.lock:
                return self._lfs(stored["owner"], stored["name"], stored["rest"], request)
        if request.path.startswith(oauth.PREFIX):
            with self.lock:
                return self.oauth(request)
        if not request.path.startswith(f"{API}/") and request.path != API:
            return text_response(404, "Not Found")
        try:
            with self.lock:
                return self._api(request)
        except GitHubError as error:
            return error.response()

    def _api(self, request: Request) -> Response:
        caller = self._caller(request)
        path = self._named(request.path.removeprefix(API)) or "/"
        try:
            match = self._router.match(request.method, path)
        except HTTPException as error:
            raise not_found() from error
        permission = permissions.needed(request.method, path)
        if caller.token is not None and caller.token.fine_grained and permission in caller.token.refused:
            return permissions.refused(permission)
        if moved := self._moved(match, request.method, path, request.query, caller):
            return moved
        try:
            response = match.handler(request, caller, **match.arguments)
        except ValueError as error:
            raise GitHubError(400, "Problems parsing JSON") from error
        return Response(
            response.status,
            response.body,
            response.content_type,
            {**response.headers, **_common_headers(caller)},
        )

    def _named(self, path: str) -> str:
        """A path that names a repository by its number, with its name instead: where redirects lead."""
        _, first, *rest = [*path.split("/"), ""]
        if first != "repositories":
            return path
        found = next((item for item in self.repositories.values() if str(item.id) == rest[0]), None)
        return "/".join(["/repos", found.full_name, *rest[1:-1]]) if found else path

    def _moved(self, match: Match, method: str, path: str, query: str, caller: Caller) -> Response | None:
        """The answer for an earlier name of a repository: 301 for reading, 307 for everything else."""
        renamed = self.forwarded(match.arguments.get("owner", ""), match.arguments.get("repo", ""))
        if renamed is None or (renamed.private and caller.user != renamed.owner):
            return None
        rest = path.split("/", 4)[4:]
        address = "/".join([f"{self.views.api}/repositories/{renamed.id}", *rest]) + (f"?{query}" if query else "")
        reads = method in ("GET", "HEAD")
        said = {"message": "Moved Permanently" if reads else "Temporary Redirect", "url": address}
        return json_response(301 if reads else 307, said, {"Location": address, **_common_headers(caller)})

    def _caller(self, request: Request) -> Caller:
        scheme, _, value = request.header("authorization").partition(" ")
        if not scheme:
            return Caller(None)
        password = git_http.basic_password(request) if scheme.lower() == "basic" else value
        token = self.tokens.get(password or "")
        if token is None:
            raise GitHubError(401, "Bad credentials")
        return Caller(token)

    def visible(self, caller: Caller, owner: str, name: str) -> Repository:
        """A repository that the caller may read. Raises the 404 that tells no secrets."""
        repository = self.repositories.get(f"{owner}/{name}".lower())
        if repository is None:
            raise not_found()
        owns = caller.token is not None and caller.user == repository.owner and "repo" in caller.token.scopes
        if repository.private and not owns:
            raise not_found()
        return repository

    def administered(self, caller: Caller, owner: str, name: str, *, archived_too: bool = False) -> Repository:
        """A repository that the caller may change. Raises 404 without the right, 403 when it is archived."""
        repository = self.visible(caller, owner, name)
        if caller.token is None or caller.user != repository.owner or "repo" not in caller.token.scopes:
            raise not_found()
        if repository.archived and not archived_too:
            raise GitHubError(403, "Repository was archived so is read-only.")
        return repository

    def view(self, repository: Repository, caller: Caller) -> Response:
        """The full repository as an answer, with what the caller may do."""
        mine = caller.user == repository.owner
        return json_response(200, self.views.full_repository(repository, self.users[repository.owner], mine=mine))

    def _lfs(self, owner: str, name: str, rest: str, request: Request) -> Response:
        password = git_http.basic_password(request)
        token = self.tokens.get(password or "")
        repository = self.repositories.get(f"{owner}/{name}".lower())
        owns = token is not None and repository is not None and token.user == repository.owner
        if repository is None or (repository.private and not owns):
            return lfs.said(401 if password is None else 404, "Repository not found.")
        return lfs.serve(repository, rest, request, self.views.web, may_write=owns and not repository.archived)

    def _git(self, git: git_http.GitRequest, request: Request) -> Response:
        password = git_http.basic_password(request)
        token = self.tokens.get(password or "")
        if password is not None and token is None:
            return git_http.unauthorised("Invalid username or token.\n")
        repository = self.repositories.get(f"{git.owner}/{git.name}".lower())
        owns = token is not None and repository is not None and token.user == repository.owner
        if repository is None or (repository.private and not owns) or (git.push and not owns):
            return _no_such_repository(password)
        if not git.push:
            return git_http.serve(repository.bare, git, request, "")
        return self._push(repository, token, git, request)

    def _push(
        self, repository: Repository, token: Token | None, git: git_http.GitRequest, request: Request
    ) -> Response:
        if token is None or "repo" not in token.scopes:
            user = token.user if token else ""
            return text_response(403, f"Permission to {repository.full_name}.git denied to {user}.\n")
        if repository.archived:
            return text_response(403, "This repository was archived so it is read-only.\n")
        guarded = {} if "workflow" in token.scopes else {"core.hooksPath": str(self._hooks)}
        before = repository.bare.references()
        answer = git_http.serve(repository.bare, git, request, token.user, guarded)
        if git.receives and repository.bare.references() != before:
            repository.pushed_at = now()
        return answer


def _no_such_repository(password: str | None) -> Response:
    if password is None:
        return git_http.unauthorised("Repository not found.\n")
    return text_response(404, "Repository not found.\n")


def _common_headers(caller: Caller) -> dict[str, str]:
    headers = {
        "X-GitHub-Media-Type": "github.v3; format=json",
        "X-RateLimit-Limit": "5000" if caller.token else "60",
        "X-RateLimit-Remaining": "4999" if caller.token else "59",
        "X-RateLimit-Reset": "4102444800",
        "X-RateLimit-Used": "1",
        "X-RateLimit-Resource": "core",
    }
    if caller.token is not None and not caller.token.fine_grained:
        headers |= {"X-OAuth-Scopes": ", ".join(sorted(caller.token.scopes)), "X-Accepted-OAuth-Scopes": ""}
    return headers
