"""Forgejo's version, users, tokens and repositories."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from generator.sandbox.forgejo.errors import ForgejoError, not_found
from generator.sandbox.forgejo.state import Repository
from generator.sandbox.messages import Request, Response, json_response, page_of, route
from generator.sandbox.repositories import GitError

if TYPE_CHECKING:
    from generator.sandbox.forgejo.application import Caller, Forgejo

VERSION = "16.0.0+sandbox"
_MEMBER = {"can_read": True, "can_write": True}
_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")
_RESERVED = re.compile(r"\.(git|wiki|rss|atom)$", re.IGNORECASE)


class RepositoriesApi:
    """Handlers for what is not inside a repository."""

    def __init__(self, forgejo: Forgejo) -> None:
        self._forgejo = forgejo

    @route("GET", "/version", scopes=())
    def version(self, request: Request, caller: Caller) -> Response:
        """The server's version."""
        return json_response(200, {"version": VERSION})

    @route("GET", "/user")
    def me(self, request: Request, caller: Caller) -> Response:
        """The token's user."""
        user = _signed_in(caller)
        return json_response(200, self._forgejo.views.user(user, self._forgejo.users[user]))

    @route("GET", "/users/<login>")
    def user(self, request: Request, caller: Caller, login: str) -> Response:
        """A user by login."""
        for name, number in self._forgejo.users.items():
            if name.lower() == login.lower():
                return json_response(200, self._forgejo.views.user(name, number))
        raise not_found()

    @route("GET", "/users/<login>/tokens")
    def tokens(self, request: Request, caller: Caller, login: str) -> Response:
        """The caller's tokens with their scopes."""
        user = _signed_in(caller)
        if user.lower() != login.lower():
            raise ForgejoError(403, "only the user may list their tokens")
        mine = [token for token in self._forgejo.tokens.values() if token.user == user]
        page = page_of(mine, request, size_name="limit", default=30, maximum=50)
        shown = [self._forgejo.views.token(token) for token in page]
        return json_response(200, shown, {"X-Total-Count": str(len(mine))})

    @route("GET", "/user/repos")
    def own_repositories(self, request: Request, caller: Caller) -> Response:
        """The caller's repositories."""
        return self._listed(request, caller, _signed_in(caller))

    @route("GET", "/users/<login>/repos")
    def repositories_of(self, request: Request, caller: Caller, login: str) -> Response:
        """The repositories of a user that the caller may see."""
        return self._listed(request, caller, login)

    @route("POST", "/user/repos", scopes=("user", "repository"))
    def create(self, request: Request, caller: Caller) -> Response:
        """Create a repository of the caller's."""
        return self._create(request, caller, _signed_in(caller))

    def _create(self, request: Request, caller: Caller, user: str) -> Response:
        asked = request.json_object()
        name = str(asked.get("name") or "")
        self._check_name(user, name)
        created = self._forgejo.create_repository(
            user,
            name,
            private=self._forgejo.force_private or bool(asked.get("private", False)),
            description=str(asked.get("description") or ""),
            branch=str(asked.get("default_branch") or "main"),
        )
        if asked.get("auto_init"):
            created.bare.commit_files(created.default_branch, {"README.md": f"# {name}\n"}, "Initial commit", 0)
            created.refresh(created.bare.heads())
        return json_response(201, self._forgejo.view(created, caller))

    @route("GET", "/users/<login>/orgs/<org>/permissions", scopes=("user", "organization"))
    def organisation_permissions(self, request: Request, caller: Caller, login: str, org: str) -> Response:
        """What a member may do in an organisation."""
        _signed_in(caller)
        members = self._forgejo.organisations.get(org, {})
        if login not in members:
            raise not_found()
        may = members[login]
        return json_response(200, {**_MEMBER, "can_create_repository": may, "is_owner": may, "is_admin": may})

    @route("POST", "/orgs/<org>/repos", scopes=("organization",))
    def create_in_organisation(self, request: Request, caller: Caller, org: str) -> Response:
        """Create a repository of an organisation's."""
        user = _signed_in(caller)
        if org not in self._forgejo.organisations:
            raise ForgejoError(404, "GetOrgByName", [f"user redirect does not exist [name: {org}]"])
        if not self._forgejo.organisations[org].get(user):
            raise ForgejoError(403, "Given user is not allowed to create repository in organization.")
        return self._create(request, caller, org)

    @route("POST", "/repos/migrate")
    def migrate(self, request: Request, caller: Caller) -> Response:
        """Make a repository of one elsewhere, before answering.

        Until it is over the repository exists, and is reported as empty. That is what stays where it fails: the real
        server means to delete it then, and does not.
        """
        user, asked = _signed_in(caller), request.json_object()
        owner, name = str(asked.get("repo_owner") or user), str(asked.get("repo_name") or "")
        address, wanted = str(asked.get("clone_addr") or ""), str(asked.get("description") or "")
        if not address or not name:
            raise ForgejoError(422, f"[{'RepoName' if address else 'CloneAddr'}]: Required")
        if re.search(r"[^A-Za-z0-9_.-]", name):
            raise ForgejoError(422, "[RepoName]: AlphaDashDot")
        with self._forgejo.lock:
            if owner not in self._forgejo.users and owner not in self._forgejo.organisations:
                raise ForgejoError(422, f"user does not exist [uid: 0, name: {owner}]")
            if owner != user and owner not in self._forgejo.organisations:
                raise ForgejoError(403, "Given user is not an organization.")
            if owner != user and not self._forgejo.organisations[owner].get(user):
                raise ForgejoError(403, "Given user is not owner of organization.")
            self._check_address(address)
            self._check_name(owner, name)
            private = self._forgejo.force_private or bool(asked.get("private", False))
            created = self._forgejo.create_repository(owner, name, private=private, description=wanted)
        try:
            self._forgejo.mirrors.bring(created, address, str(asked.get("auth_token") or ""))
        except GitError as error:
            if asked.get("service") == "github" and "not found" in str(error):
                raise ForgejoError(500) from error  # GitHub's API is asked first, and what it says reaches nobody
            locked = any(words in str(error) for words in ("Authentication failed", "could not read Username"))
            kind = "Authentication failed" if locked else "Migration failed"
            raise ForgejoError(422, f"{kind}: {error}.") from error
        created.empty = not created.bare.heads()
        return json_response(201, self._forgejo.view(created, caller))

    def _check_address(self, address: str) -> None:
        """Raise ForgejoError for an address that nothing is migrated from: the policy is that of mirrors."""
        parts = urlsplit(address)
        if parts.scheme in ("", "file"):
            raise ForgejoError(422, "You are not allowed to import local repositories.")
        if parts.scheme not in ("http", "https"):
            reason = "is not allowed: the provided url protocol is not allowed"
            raise ForgejoError(422, f"migration/cloning from '{parts.netloc}' {reason}")
        if parts.hostname not in self._forgejo.mirror_hosts:
            raise ForgejoError(422, "You can not import from disallowed hosts.")

    @route("GET", "/repos/<owner>/<repo>")
    def read(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """A repository."""
        repository = self._forgejo.readable(caller, owner, repo)
        return json_response(200, self._forgejo.view(repository, caller))

    @route("PATCH", "/repos/<owner>/<repo>")
    def update(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Change a repository; a default branch that does not exist is ignored, and archived ones may be changed."""
        repository = self._forgejo.administered(caller, owner, repo)
        asked = request.json_object()
        if self._forgejo.force_private and repository.private and asked.get("private") is False:
            raise ForgejoError(422, "cannot change private repository to public")
        if name := str(asked.get("name") or ""):
            if name.lower() != repository.name.lower():
                self._check_name(repository.owner, name)
            self._forgejo.rename(repository.full_name, repository.owner, name)
        _apply(repository, asked)
        return json_response(200, self._forgejo.view(repository, caller))

    @route("DELETE", "/repos/<owner>/<repo>", scopes=())
    def delete(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Delete a repository; existence comes before the scope, which is the owner's kind since version 15."""
        self._forgejo.readable(caller, owner, repo)
        caller.require("write:user")
        repository = self._forgejo.administered(caller, owner, repo)
        del self._forgejo.repositories[repository.full_name.lower()]
        repository.bare.remove()
        return Response(204)

    @route("GET", "/repos/<owner>/<repo>/topics")
    def topics(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """A repository's topics."""
        return json_response(200, {"topics": self._forgejo.readable(caller, owner, repo).topics})

    @route("PUT", "/repos/<owner>/<repo>/topics")
    def replace_topics(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Replace a repository's topics."""
        repository = self._forgejo.writable(caller, owner, repo)
        repository.topics = [str(topic).lower() for topic in request.json_object().get("topics") or []]
        return Response(204)

    @route("GET", "/repos/<owner>/<repo>/hooks")
    def hooks(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """A repository's webhooks."""
        repository = self._forgejo.administered(caller, owner, repo)
        return json_response(200, list(repository.hooks.values()), {"X-Total-Count": str(len(repository.hooks))})

    def _listed(self, request: Request, caller: Caller, owner: str) -> Response:
        everything = self._forgejo.repositories.values()
        owned = [entry for entry in everything if entry.owner.lower() == owner.lower()]
        seen = [entry for entry in owned if not entry.private or entry.owner == caller.user]
        page = page_of(seen, request, size_name="limit", default=30, maximum=50)
        shown = [self._forgejo.view(entry, caller) for entry in page]
        return json_response(200, shown, {"X-Total-Count": str(len(seen))})

    def _check_name(self, owner: str, name: str) -> None:
        if not name:
            raise ForgejoError(422, "[Name]: Required")
        if not _NAME.match(name) or _RESERVED.search(name):
            raise ForgejoError(422, f"repository name is reserved or has wrong characters [name: {name}]")
        if f"{owner}/{name}".lower() in self._forgejo.repositories:
            raise ForgejoError(409, "The repository with the same name already exists.")


def _apply(repository: Repository, asked: dict[str, Any]) -> None:
    for key in ("description", "website", "private", "archived"):
        if asked.get(key) is not None:
            setattr(repository, key, asked[key])
    branch = asked.get("default_branch")
    if branch and branch in repository.bare.heads():
        repository.set_default_branch(branch)


def _signed_in(caller: Caller) -> str:
    if caller.token is None:
        raise ForgejoError(401, "token is required")
    return caller.user
