"""The sandbox's Woodpecker as one application: authentication, routing, and its way of answering errors."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from werkzeug.exceptions import HTTPException

from generator.sandbox.github import GitHub
from generator.sandbox.github.state import Repository as GitHubRepository
from generator.sandbox.messages import Request, Response, Router, html_response, json_response, text_response
from generator.sandbox.woodpecker.errors import WoodpeckerError
from generator.sandbox.woodpecker.pipelines_api import PipelinesApi
from generator.sandbox.woodpecker.repositories_api import RepositoriesApi
from generator.sandbox.woodpecker.secrets_api import SecretsApi
from generator.sandbox.woodpecker.state import Repository, State

VERSION = "3.17.0"


@dataclass(frozen=True)
class Caller:
    """Who is asking; a wrong token is nobody."""

    user: str
    admin: bool


class Woodpecker(State):
    """Woodpecker's state and its HTTP face; its forge is the sandbox's GitHub."""

    def __init__(self, user: str, token: str, web: str, github: GitHub) -> None:
        super().__init__(user, token)
        self.web = web
        self.github = github
        self.lock = threading.RLock()
        self._router = Router([RepositoriesApi(self), SecretsApi(self), PipelinesApi(self)])

    def __call__(self, request: Request) -> Response:
        """Answer one request; what no route fits is the web interface's page."""
        if request.path == "/version":
            return json_response(200, {"source": "https://github.com/woodpecker-ci/woodpecker", "version": VERSION})
        if request.path == "/healthz":
            return Response(204)
        path = request.path.removeprefix("/api") if request.path.startswith("/api/") else ""
        try:
            match = self._router.match(request.method, path)
        except HTTPException:
            return html_response()
        try:
            with self.lock, self.github.lock:
                return match.handler(request, self._caller(request), **match.arguments)
        except WoodpeckerError as error:
            return text_response(error.status, error.text)
        except ValueError as error:
            return text_response(400, str(error))

    def _caller(self, request: Request) -> Caller:
        scheme, _, token = request.header("authorization").partition(" ")
        user = self.users.get(token, "") if scheme == "Bearer" else ""
        return Caller(user, user in self.admins)

    def signed_in(self, caller: Caller) -> str:
        """The caller's login. Raises 401 for anybody."""
        if not caller.user:
            raise WoodpeckerError(401, "User not authorized")
        return caller.user

    def row(self, caller: Caller, number: str) -> Repository:
        """A row by its own number. Raises 400 for what is no number, 404 (401 anonymous) for what is not there."""
        if not number.isdigit():
            raise WoodpeckerError(400, f'strconv.ParseInt: parsing "{number}": invalid syntax')
        repository = self.repositories.get(int(number))
        if repository is None:
            raise WoodpeckerError(404 if caller.user else 401)
        if repository.private or not caller.user:
            self.signed_in(caller)
        return repository

    def administered(self, caller: Caller, number: str) -> Repository:
        """A row that the caller may change. Raises 403 when it is somebody else's."""
        repository = self.row(caller, number)
        user = self.signed_in(caller)
        if repository.full_name.partition("/")[0] != user:
            raise WoodpeckerError(403, "User not authorized")
        return repository

    def on_forge(self, forge_remote_id: str) -> GitHubRepository | None:
        """The GitHub repository with a numeric identifier."""
        for repository in self.github.repositories.values():
            if str(repository.id) == forge_remote_id:
                return repository
        return None
