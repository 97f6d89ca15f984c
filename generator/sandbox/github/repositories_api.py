"""GitHub's users and repositories."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from generator.sandbox.github.errors import GitHubError, not_found, validation_failed
from generator.sandbox.github.state import Repository, now
from generator.sandbox.github.views import SETTINGS
from generator.sandbox.messages import Request, Response, json_response, page_of, route

if TYPE_CHECKING:
    from generator.sandbox.github.application import Caller, GitHub

_NAME = re.compile(r"^[A-Za-z0-9._-]{1,100}$")


class RepositoriesApi:
    """Handlers for /user, /users, /orgs, /repos and what belongs to a repository itself."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    @route("GET", "/user")
    def me(self, request: Request, caller: Caller) -> Response:
        """The authenticated user."""
        user = _signed_in(caller)
        owned = self._owned(user)
        private = sum(repository.private for repository in owned)
        return json_response(200, self._github.views.me(user, self._github.users[user], len(owned) - private, private))

    @route("GET", "/users/<login>")
    def user(self, request: Request, caller: Caller, login: str) -> Response:
        """A user by login."""
        for name, number in self._github.users.items():
            if name.lower() == login.lower():
                public = sum(not repository.private for repository in self._owned(name))
                return json_response(200, self._github.views.profile(name, number, public))
        raise not_found()

    @route("GET", "/orgs/<org>")
    def organisation(self, request: Request, caller: Caller, org: str) -> Response:
        """Always 404: the sandbox has no organisations."""
        raise not_found()

    @route("GET", "/rate_limit")
    def rate_limit(self, request: Request, caller: Caller) -> Response:
        """Limits that are never reached."""
        rate = {"limit": 5000, "used": 1, "remaining": 4999, "reset": 4102444800}
        return json_response(200, {"resources": {"core": rate, "search": rate, "graphql": rate}, "rate": rate})

    @route("GET", "/user/repos")
    def own_repositories(self, request: Request, caller: Caller) -> Response:
        """The caller's repositories."""
        shown = page_of(self._owned(_signed_in(caller)), request, size_name="per_page", default=30, maximum=100)
        views, users = self._github.views, self._github.users
        return json_response(200, [views.repository(entry, users[entry.owner]) for entry in shown])

    @route("POST", "/user/repos")
    def create(self, request: Request, caller: Caller) -> Response:
        """Create a repository of the caller's; it knows ``private`` only, not ``visibility``."""
        user = _signed_in(caller)
        asked = request.json_object()
        name = str(asked.get("name") or "")
        private = bool(asked.get("private", False))
        self._check_create(caller, name, private)
        created = self._github.create_repository(
            user, name, private=private, description=asked.get("description") or None
        )
        created.homepage = asked.get("homepage") or None
        _take_settings(created, asked)
        if asked.get("auto_init"):
            created.bare.commit_files(created.default_branch, {"README.md": f"# {name}\n"}, "Initial commit", 0)
        view = self._github.views.full_repository(created, self._github.users[user])
        return json_response(201, view, {"Location": view["url"]})

    @route("GET", "/repos/<owner>/<repo>")
    def read(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """A repository."""
        return self._github.view(self._github.visible(caller, owner, repo), caller)

    @route("PATCH", "/repos/<owner>/<repo>")
    def update(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Change a repository; an archived one takes nothing but being unarchived."""
        repository = self._github.administered(caller, owner, repo, archived_too=True)
        asked = request.json_object()
        if repository.archived and asked.get("archived") is not False:
            raise GitHubError(403, "Repository was archived so is read-only.")
        if "default_branch" in asked:
            _set_default_branch(repository, str(asked["default_branch"]))
        if "visibility" in asked:
            asked = {**asked, "private": _asked_private(asked["visibility"])}
        if "private" in asked:
            self._check_plan(private=asked["private"], creating=False)
            repository.internal = False
        for key in ("description", "homepage", "private", "archived"):
            if key in asked:
                setattr(repository, key, asked[key])
        _take_settings(repository, asked)
        return self._github.view(repository, caller)

    @route("DELETE", "/repos/<owner>/<repo>")
    def delete(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Delete a repository; classic tokens need delete_repo."""
        repository = self._github.administered(caller, owner, repo, archived_too=True)
        if caller.token is not None and "delete_repo" not in caller.token.scopes:
            raise GitHubError(403, "Must have admin rights to Repository.")
        del self._github.repositories[repository.full_name.lower()]
        repository.bare.remove()
        return Response(204)

    @route("GET", "/repos/<owner>/<repo>/topics")
    def topics(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """A repository's topics."""
        return json_response(200, {"names": self._github.visible(caller, owner, repo).topics})

    @route("PUT", "/repos/<owner>/<repo>/topics")
    def replace_topics(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Replace a repository's topics."""
        repository = self._github.administered(caller, owner, repo)
        repository.topics = [str(name).lower() for name in request.json_object().get("names", [])]
        return json_response(200, {"names": repository.topics})

    @route("GET", "/repos/<owner>/<repo>/issues")
    def issues(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Issues and pull requests of a state (default: open), newest first; only the latter without issues."""
        repository = self._github.visible(caller, owner, repo)
        tracked, state = repository.settings.get("has_issues", True), request.parameter("state", "open")
        found = [item for item in repository.issues if state in ("all", item.state) and (tracked or item.pull)]
        found.sort(key=lambda item: -item.number)
        views, users = self._github.views, self._github.users
        page = page_of(found, request, size_name="per_page", default=30, maximum=100)
        shown = [views.issue(repository, item, views.user(item.user, users.get(item.user, 0))) for item in page]
        return json_response(200, shown)

    @route("GET", "/repos/<owner>/<repo>/releases")
    def releases(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Releases; drafts are for those who may push."""
        repository = self._github.visible(caller, owner, repo)
        found = [item for item in repository.releases if not item.draft or caller.user == repository.owner]
        views, users = self._github.views, self._github.users
        page = page_of(found, request, size_name="per_page", default=30, maximum=100)
        shown = [views.release(repository, item, views.user(item.user, users.get(item.user, 0))) for item in page]
        return json_response(200, shown)

    @route("GET", "/repos/<owner>/<repo>/hooks")
    def hooks(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """A repository's webhooks."""
        repository = self._github.administered(caller, owner, repo, archived_too=True)
        hooks = [self._github.views.hook(repository, hook) for hook in repository.hooks.values()]
        return json_response(200, hooks)

    @route("POST", "/repos/<owner>/<repo>/hooks")
    def create_hook(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Add a webhook."""
        repository = self._github.administered(caller, owner, repo)
        asked = request.json_object()
        hook = add_hook(self._github, repository, dict(asked.get("config", {})), list(asked.get("events", ["push"])))
        return json_response(201, self._github.views.hook(repository, hook))

    @route("GET", "/repos/<owner>/<repo>/hooks/<int:hook>")
    def hook(self, request: Request, caller: Caller, owner: str, repo: str, hook: int) -> Response:
        """A webhook."""
        repository = self._github.administered(caller, owner, repo, archived_too=True)
        if hook not in repository.hooks:
            raise not_found()
        return json_response(200, self._github.views.hook(repository, repository.hooks[hook]))

    @route("DELETE", "/repos/<owner>/<repo>/hooks/<int:hook>")
    def delete_hook(self, request: Request, caller: Caller, owner: str, repo: str, hook: int) -> Response:
        """Take a webhook away."""
        repository = self._github.administered(caller, owner, repo)
        if repository.hooks.pop(hook, None) is None:
            raise not_found()
        return Response(204)

    def _check_create(self, caller: Caller, name: str, private: bool) -> None:
        scopes = caller.token.scopes if caller.token else set()
        if "repo" not in scopes and (private or "public_repo" not in scopes):
            raise not_found()
        if not _NAME.match(name):
            raise validation_failed("name", "name is invalid")
        if f"{caller.user}/{name}".lower() in self._github.repositories:
            raise validation_failed("name", "name already exists on this account")
        self._check_plan(private=private, creating=True)

    def _check_plan(self, *, private: bool, creating: bool) -> None:
        if private and not self._github.private_repositories:
            wanted = "create a new private repository" if creating else "make this repository private"
            raise GitHubError(422, f"Visibility can't be private. Please upgrade your subscription to {wanted}.")

    def _owned(self, user: str) -> list[Repository]:
        owned = [entry for entry in self._github.repositories.values() if entry.owner == user]
        return sorted(owned, key=lambda entry: entry.full_name.lower())


def add_hook(github: GitHub, repository: Repository, config: dict[str, Any], events: list[str]) -> dict[str, Any]:
    """Register a webhook on a repository."""
    number = next(github.hook_ids)
    shown = {"content_type": "json", "insecure_ssl": "0", **config}
    if "secret" in shown:
        shown["secret"] = "********"  # noqa: S105 - what GitHub shows in place of it
    hook = {"id": number, "events": events, "config": shown, "created_at": now(), "updated_at": now()}
    repository.hooks[number] = hook
    return hook


def _signed_in(caller: Caller) -> str:
    if caller.token is None:
        raise GitHubError(401, "Requires authentication")
    return caller.user


def _asked_private(visibility: Any) -> bool:
    if visibility not in ("public", "private"):
        raise validation_failed("visibility", "only repositories of an enterprise's organisations can be internal")
    return bool(visibility == "private")


def _take_settings(repository: Repository, asked: dict[str, Any]) -> None:
    repository.settings |= {key: value for key, value in asked.items() if key in SETTINGS}


def _set_default_branch(repository: Repository, branch: str) -> None:
    if branch not in repository.bare.heads():
        if repository.empty:
            text = "Cannot update default branch for an empty repository. Please init the repository and push first."
        else:
            text = f"The branch {branch} was not found. Please push that ref first or create it via the Git Data API."
        raise validation_failed("default_branch", text)
    repository.default_branch = branch
    repository.bare.set_head(branch)
