"""The sandbox's Forgejo as one application: authentication, scopes, routing, and git."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from generator.sandbox import git_http
from generator.sandbox.forgejo.contents_api import ContentsApi
from generator.sandbox.forgejo.errors import ForgejoError, archived, not_found
from generator.sandbox.forgejo.mirrors import Mirrors
from generator.sandbox.forgejo.mirrors_api import MirrorsApi
from generator.sandbox.forgejo.pulls_api import PullsApi
from generator.sandbox.forgejo.repositories_api import RepositoriesApi
from generator.sandbox.forgejo.rules import write_hook
from generator.sandbox.forgejo.rules_api import RulesApi
from generator.sandbox.forgejo.state import Repository, State, Token
from generator.sandbox.forgejo.views import JsonObject, Views
from generator.sandbox.messages import Match, Request, Response, Router, text_response

API = "/api/v1"
_CATEGORIES = {"repos": "repository", "user": "user", "users": "user", "orgs": "organization"}


@dataclass(frozen=True)
class Caller:
    """Who is asking; ``token`` is None for anonymous requests."""

    token: Token | None

    @property
    def user(self) -> str:
        """The login, or an empty string."""
        return self.token.user if self.token else ""

    def require(self, *scopes: str) -> None:
        """Raises the 403 that names all the scopes when one is missing."""
        if self.token is not None and not all(self.token.grants(scope) for scope in scopes):
            listed = " ".join(scopes)
            raise ForgejoError(403, f"token does not have at least one of required scope(s): [{listed}]")


class Forgejo(State):
    """Forgejo's state and its HTTP face."""

    def __init__(self, root: Path, owner: str, tokens: tuple[str, str], web: str, ca_file: Path) -> None:
        super().__init__(root, owner, *tokens)
        self.views = Views(web)
        self.lock = threading.RLock()
        self.mirrors = Mirrors(root, ca_file)
        # ALLOW_LOCALNETWORKS of the real server, narrowed to the one host that the sandbox has.
        self.mirror_hosts = {"localhost"}
        # The webhook on pushes to default branches: the repository, its branch's commit before, and now.
        self.on_push: Callable[[Repository, str | None, str], None] = lambda *_: None
        apis = [RepositoriesApi(self), ContentsApi(self), PullsApi(self), MirrorsApi(self), RulesApi(self)]
        self._router = Router(apis)

    def wait_for_mirrors(self, timeout: float = 60.0) -> None:
        """Wait until every mirror push that a commit has caused is over. Raises TimeoutError."""
        self.mirrors.wait(timeout)

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        git = git_http.GitRequest.of(request)
        if git is not None:
            return self._git(git, request)
        if not request.path.startswith(f"{API}/"):
            return text_response(404, "Not found.\n")
        try:
            return self._api(request)
        except ForgejoError as error:
            return error.response(self.views.web)

    def _api(self, request: Request) -> Response:
        caller = self._caller(request)
        try:
            match = self._router.match(request.method, request.path.removeprefix(API))
        except MethodNotAllowed as error:
            raise ForgejoError(405, "Method Not Allowed") from error
        except HTTPException:
            return text_response(404, "404 page not found\n")
        caller.require(*_required(match, request))
        if moved := self._moved(match, request, caller):
            return moved
        try:
            if request.path.endswith(("/push_mirrors-sync", "/repos/migrate")):
                # Wait for GitHub, which other requests must not have to.
                return match.handler(request, caller, **match.arguments)
            with self.lock:
                return match.handler(request, caller, **match.arguments)
        except ValueError as error:
            raise ForgejoError(422, f"[]: {error}") from error

    def _moved(self, match: Match, request: Request, caller: Caller) -> Response | None:
        """The answer for an earlier name of a repository, whatever is asked of it; writes are redirected as well."""
        renamed = self.forwarded(match.arguments.get("owner", ""), match.arguments.get("repo", ""))
        if renamed is None or not self._shown_to(renamed, caller.user):
            return None
        rest = request.path.removeprefix(f"{API}/repos/").split("/", 2)[2:]
        query = f"?{request.query}" if request.query else ""
        return redirect(f"{API}/repos/{'/'.join([renamed.full_name, *rest])}{query}", request)

    def _caller(self, request: Request) -> Caller:
        scheme, _, value = request.header("authorization").partition(" ")
        if not scheme:
            return Caller(None)
        if scheme.lower() == "basic":
            value = git_http.basic_password(request) or ""
        token = self.tokens.get(value.strip())
        if token is None:
            raise ForgejoError(401, "user does not exist [uid: 0, name: ]")
        return Caller(token)

    def owns(self, user: str, owner: str) -> bool:
        """Whether a user is the owner, or a member of the organisation that is."""
        return user == owner or user in self.organisations.get(owner, {})

    def readable(self, caller: Caller, owner: str, name: str) -> Repository:
        """A repository that the caller may read. Raises 404 for any other."""
        repository = self.repositories.get(f"{owner}/{name}".lower())
        if repository is None or not self._shown_to(repository, caller.user):
            raise not_found()
        return repository

    def _shown_to(self, repository: Repository, user: str) -> bool:
        """Whether a user, empty for an anonymous one, sees a repository: its own flag and its owner decide."""
        if self.owns(user, repository.owner):
            return True
        visibility = self.visibilities.get(repository.owner, "public")
        return not repository.private and (visibility == "public" or (visibility == "limited" and bool(user)))

    def administered(self, caller: Caller, owner: str, name: str, *, to_read: bool = False) -> Repository:
        """A repository that the caller may administer. Raises 404, 403 without the right.

        Without a token it is 401, or 403 where something is only ``to_read``.
        """
        repository = self.readable(caller, owner, name)
        if not to_read:
            signed_in(caller)
        mine = self.owns(caller.user, repository.owner) and caller.user not in repository.writers
        if not mine or (caller.token and caller.token.limited):
            raise ForgejoError(403, "user should be an owner or a collaborator with admin write of a repository")
        return repository

    def writable(self, caller: Caller, owner: str, name: str, *, content: bool = False) -> Repository:
        """A repository that the caller may change. Raises 423 when it is archived, too.

        ``content``: what is in git, and pull requests, for which the right to write is enough.
        """
        repository = self.readable(caller, owner, name)
        if not (content and signed_in(caller) in repository.writers):
            repository = self.administered(caller, owner, name)
        if repository.archived:
            raise archived(repository.full_name)
        return repository

    def view(self, repository: Repository, caller: Caller) -> JsonObject:
        """A repository as the caller sees it."""
        mine = self.owns(caller.user, repository.owner)
        rights = {"admin": mine and caller.user not in repository.writers, "push": mine, "pull": True}
        visibility = self.visibilities.get(repository.owner, "public")
        return self.views.repository(repository, self.users[repository.owner], rights, visibility)

    def pushed(self, repository: Repository, before: dict[str, str]) -> None:
        """Follow a change of references: default branch, open pull requests, and mirrors that follow commits."""
        after = repository.bare.references()
        if after == before:
            return
        changed = {name: sha for name, sha in after.items() if before.get(name) != sha}
        prefix = "refs/heads/"
        heads = {name.removeprefix(prefix): sha for name, sha in changed.items() if name.startswith(prefix)}
        with self.lock:
            repository.refresh(heads)
        tags_gone = any(name.startswith("refs/tags/") for name in set(before) - set(after))
        default = heads.get(repository.default_branch)
        if default:
            self.on_push(repository, before.get(f"{prefix}{repository.default_branch}"), default)
        # The deletion of a branch alone queues nothing.
        if changed or tags_gone:
            self.mirrors.after_commit(repository)

    def _git(self, git: git_http.GitRequest, request: Request) -> Response:
        password = git_http.basic_password(request)
        token = self.tokens.get(password or "")
        if password is not None and token is None:
            return git_http.unauthorised("Unauthorized\n")
        repository = self.repositories.get(f"{git.owner}/{git.name}".lower())
        renamed = self.forwarded(git.owner, git.name)
        if renamed is not None and self._shown_to(renamed, token.user if token else ""):
            rest = request.path.split("/", 3)[3]
            return redirect(f"/{renamed.full_name}/{rest}" + (f"?{request.query}" if request.query else ""), request)
        if repository is None or not self._shown_to(repository, token.user if token else ""):
            return git_http.unauthorised("Unauthorized\n") if token is None else text_response(404, "Not found.\n")
        if token is not None and not token.grants("write:repository" if git.push else "read:repository"):
            return text_response(403, "token does not have the required scope\n")
        if not git.push:
            return git_http.serve(repository.bare, git, request, "")
        return self._push(repository, token, git, request)

    def _received(self, repository: Repository, user: str, git: git_http.GitRequest, request: Request) -> Response:
        """Let git receive a push, under the repository's rules."""
        if not (repository.rules and git.receives):
            return git_http.serve(repository.bare, git, request, user)
        with tempfile.TemporaryDirectory(prefix="sandbox-rules-") as folder:
            hooks = write_hook(Path(folder), repository.rules, user, self.signers)
            return git_http.serve(repository.bare, git, request, user, {"core.hooksPath": str(hooks)})

    def _push(
        self, repository: Repository, token: Token | None, git: git_http.GitRequest, request: Request
    ) -> Response:
        if token is None:
            return git_http.unauthorised("Unauthorized\n")
        if not self.owns(token.user, repository.owner):
            return text_response(403, "User permission denied\n")
        if repository.archived:
            return text_response(403, "This repo is archived. You can view files and clone it, but cannot push.\n")
        before = repository.bare.references()
        answer = self._received(repository, token.user, git, request)
        if git.receives:
            self.pushed(repository, before)
        return answer


def redirect(location: str, request: Request) -> Response:
    """Go's own redirect: a page for a GET, nothing else for anything else."""
    page = f'<a href="{escape(location)}">Moved Permanently</a>.\n\n' if request.method == "GET" else ""
    return Response(301, page.encode(), "text/html; charset=utf-8" if page else "", {"Location": location})


def signed_in(caller: Caller) -> str:
    """The caller's login. Raises 401 for anonymous ones."""
    if caller.token is None:
        raise ForgejoError(401, "token is required")
    return caller.user


def _required(match: Match, request: Request) -> list[str]:
    level = "read" if request.method in ("GET", "HEAD") else "write"
    categories = match.scopes
    if categories is None:
        category = _CATEGORIES.get(request.path.removeprefix(API).split("/")[1])
        categories = (category,) if category else ()
    return [f"{level}:{category}" for category in categories]
