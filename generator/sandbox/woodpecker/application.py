"""The sandbox's Woodpecker as one application: authentication, routing, and its way of answering errors."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace

from werkzeug.exceptions import HTTPException

from generator.sandbox.github import GitHub
from generator.sandbox.github.state import Repository as GitHubRepository
from generator.sandbox.messages import Request, Response, Router, html_response, json_response, text_response
from generator.sandbox.woodpecker.errors import WoodpeckerError
from generator.sandbox.woodpecker.pipelines_api import Pipelines, PipelinesApi
from generator.sandbox.woodpecker.repositories_api import RepositoriesApi
from generator.sandbox.woodpecker.secrets_api import SecretsApi
from generator.sandbox.woodpecker.state import VERSION, Repository, State

_NUMBER = re.compile(r"-?[0-9]+")


@dataclass(frozen=True)
class Caller:
    """Who is asking; a wrong token is nobody."""

    user: str
    admin: bool


class Woodpecker(State):
    """Woodpecker's state and its HTTP face; its forge is the sandbox's GitHub, but for the infra repository."""

    def __init__(self, user: str, token: str, web: str, github: GitHub) -> None:
        super().__init__(user, token)
        self.web = web
        self.github = github
        self.lock = threading.RLock()
        pipelines = Pipelines(self)
        self.record_pipeline, self.finish, self.on_push = pipelines.record, pipelines.finish, pipelines.on_push
        self._router = Router([RepositoriesApi(self), SecretsApi(self), PipelinesApi(self)])

    def __call__(self, request: Request) -> Response:
        """Answer one request; what no route fits is the web interface's page."""
        if request.path == "/version":
            return json_response(200, {"source": "https://github.com/woodpecker-ci/woodpecker", "version": VERSION})
        if request.path == "/healthz":
            return Response(204)
        path = request.path.removeprefix("/api") if request.path.startswith("/api/") else ""
        if request.method == "HEAD":
            return replace(html_response(), body=b"")
        try:
            match = self._router.match(request.method, path)
        except HTTPException:
            return html_response()
        if path.endswith("/"):
            return _without_slash(request)
        try:
            with self.lock, self.github.lock:
                return match.handler(request, self._caller(request), **match.arguments)
        except WoodpeckerError as error:
            return text_response(error.status, error.text) if error.text else Response(error.status)
        except ValueError as error:
            return text_response(400, str(error))

    def _caller(self, request: Request) -> Caller:
        scheme, _, token = request.header("authorization").partition(" ")
        user = self.users.get(token, "") if scheme == "Bearer" else ""
        return Caller(user, user in self.admins)

    def signed_in(self, caller: Caller) -> str:
        """The caller's login. Raises 401 for anonymous callers."""
        if not caller.user:
            raise WoodpeckerError(401, "User not authorized")
        return caller.user

    def row(self, caller: Caller, number: str) -> Repository:
        """A row by its own number. Raises 400 for what is no number, else as :meth:`readable`."""
        return self.readable(caller, self.numbered(caller, number))

    def numbered(self, caller: Caller, number: str) -> Repository:
        """A row by its own number, whether the caller may read it or not."""
        if not _NUMBER.fullmatch(number):
            raise WoodpeckerError(400)
        repository = self.repositories.get(int(number))
        if repository is None:
            raise _hidden(caller)
        return repository

    def readable(self, caller: Caller, repository: Repository) -> Repository:
        """A row that the caller may read. Raises 404 (401 for nobody) for others."""
        visibility = repository.settings["visibility"]
        open_to_caller = visibility == "public" or (visibility == "internal" and caller.user)
        if not open_to_caller and not self.owns(caller, repository):
            raise _hidden(caller)
        return repository

    def pushed(self, caller: Caller, number: str) -> Repository:
        """A row that the caller may push to: others are as if they were not there."""
        repository = self.row(caller, number)
        if not self.owns(caller, repository):
            raise _hidden(caller)
        return repository

    def administered(self, caller: Caller, number: str) -> Repository:
        """A row that the caller may change. Raises 403 if it is visible but belongs to someone else."""
        repository = self.row(caller, number)
        self.signed_in(caller)
        if not self.owns(caller, repository):
            raise WoodpeckerError(403, "User not authorized")
        return repository

    def owns(self, caller: Caller, repository: Repository) -> bool:
        """Whether the caller has every right to a row: its owner, or the instance's administrator."""
        return bool(caller.user) and (caller.admin or repository.full_name.partition("/")[0] == caller.user)

    def on_forge(self, forge_remote_id: str) -> GitHubRepository | None:
        """The GitHub repository with a numeric identifier."""
        for repository in self.github.repositories.values():
            if str(repository.id) == forge_remote_id:
                return repository
        return None


def _hidden(caller: Caller) -> WoodpeckerError:
    return WoodpeckerError(404 if caller.user else 401)


def _without_slash(request: Request) -> Response:
    """The address without its last slash, which is another one for this server."""
    query = f"?{request.query}" if request.query else ""
    moved = html_response(301 if request.method == "GET" else 307)
    return replace(moved, headers={"Location": request.path.rstrip("/") + query})
