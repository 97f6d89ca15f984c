"""Forgejo's pull requests, merged for real, and the list of issues that they are in."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.sandbox.forgejo.errors import ForgejoError, not_found
from generator.sandbox.forgejo.state import PullRequest, Repository, now
from generator.sandbox.messages import Request, Response, json_response, page_of, route

if TYPE_CHECKING:
    from generator.sandbox.forgejo.application import Caller, Forgejo


class PullsApi:
    """Handlers for /repos/{owner}/{repo}/pulls, and the list of /issues."""

    def __init__(self, forgejo: Forgejo) -> None:
        self._forgejo = forgejo

    @route("GET", "/repos/<owner>/<repo>/issues", scopes=("issue",))
    def issues(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Issues and pull requests of a state (default: open), newest first; those that are switched off are hidden."""
        repository = self._forgejo.readable(caller, owner, repo)
        tracked, asked = (repository.counters.get(key, True) for key in ("has_issues", "has_pull_requests"))
        if not tracked and not asked:
            raise not_found()
        everything = [*(repository.issues.values() if tracked else ()), *(repository.pulls.values() if asked else ())]
        state = request.parameter("state", "open")
        found = sorted((item for item in everything if state in ("all", item.state)), key=lambda item: -item.number)
        users, views = self._forgejo.users, self._forgejo.views
        page = page_of(found, request, size_name="limit", default=30, maximum=50)
        shown = [views.issue(item, repository, views.user(item.user, users.get(item.user, 0))) for item in page]
        return json_response(200, shown, {"X-Total-Count": str(len(found))})

    @route("GET", "/repos/<owner>/<repo>/pulls")
    def pulls(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Pull requests of a state (default: all), newest first. 404 while the repository is empty."""
        repository = self._forgejo.readable(caller, owner, repo)
        if repository.empty:
            raise not_found()
        state = request.parameter("state", "all")
        found = [pull for pull in repository.pulls.values() if state in ("all", pull.state)]
        found.sort(key=lambda pull: -pull.number)
        page = page_of(found, request, size_name="limit", default=30, maximum=50)
        shown = [self._view(repository, pull, caller) for pull in page]
        return json_response(200, shown, {"X-Total-Count": str(len(found))})

    @route("POST", "/repos/<owner>/<repo>/pulls")
    def create(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Open a pull request between two branches of the repository."""
        repository = self._forgejo.writable(caller, owner, repo, content=True)
        asked = request.json_object()
        head, base, title = (str(asked.get(key) or "") for key in ("head", "base", "title"))
        head = head.removeprefix(f"{repository.owner}:")
        heads = repository.bare.heads()
        for branch in (base, head):
            if branch not in heads:
                text = f"could not find '{branch}' to be a commit, branch or tag in the base repository"
                raise not_found(f"{text} {repository.full_name}")
        if head == base:
            raise ForgejoError(422, "Invalid PullRequest: There are no changes between the head and the base")
        if not title:
            raise ForgejoError(422, "[Title]: Required")
        if _open_between(repository, base, head) is not None:
            raise ForgejoError(409, f"pull request already exists for these targets [head: {head}, base: {base}]")
        number = max(repository.pulls, default=0) + 1
        body = str(asked.get("body") or "")
        pull = PullRequest(number, title, body, base, head, caller.user, heads[head], heads[base])
        repository.pulls[number] = pull
        return json_response(201, self._view(repository, pull, caller))

    @route("GET", "/repos/<owner>/<repo>/pulls/<int:index>")
    def pull(self, request: Request, caller: Caller, owner: str, repo: str, index: int) -> Response:
        """A pull request by number."""
        repository = self._forgejo.readable(caller, owner, repo)
        return json_response(200, self._view(repository, _pull(repository, index), caller))

    @route("GET", "/repos/<owner>/<repo>/pulls/<base>/<path:head>")
    def pull_between(self, request: Request, caller: Caller, owner: str, repo: str, base: str, head: str) -> Response:
        """A pull request between two branches: of several the oldest, as the database gives it."""
        repository = self._forgejo.readable(caller, owner, repo)
        head = head.removeprefix(f"{repository.owner}:")
        found = [pull for pull in repository.pulls.values() if (pull.base, pull.head) == (base, head)]
        if not found:
            raise not_found()
        return json_response(200, self._view(repository, found[0], caller))

    @route("PATCH", "/repos/<owner>/<repo>/pulls/<int:index>")
    def update(self, request: Request, caller: Caller, owner: str, repo: str, index: int) -> Response:
        """Change title, body or state; answers 201."""
        repository = self._forgejo.writable(caller, owner, repo, content=True)
        pull = _pull(repository, index)
        asked = request.json_object()
        if asked.get("state") is not None:
            _set_state(pull, str(asked["state"]))
        for key in ("title", "body"):
            if asked.get(key) is not None:
                setattr(pull, key, str(asked[key]))
        pull.updated = now()
        return json_response(201, self._view(repository, pull, caller))

    @route("GET", "/repos/<owner>/<repo>/pulls/<int:index>/merge")
    def is_merged(self, request: Request, caller: Caller, owner: str, repo: str, index: int) -> Response:
        """204 when it is merged, else 404."""
        if _pull(self._forgejo.readable(caller, owner, repo), index).merged is None:
            raise not_found()
        return Response(204)

    @route("POST", "/repos/<owner>/<repo>/pulls/<int:index>/merge")
    def merge(self, request: Request, caller: Caller, owner: str, repo: str, index: int) -> Response:
        """Merge: 405 when it cannot be, 409 when the head has moved on or conflicts."""
        repository = self._forgejo.writable(caller, owner, repo, content=True)
        pull = _pull(repository, index)
        asked = request.json_object()
        if pull.state != "open":
            raise ForgejoError(405, "The PR is already merged" if pull.merged else "The PR is closed")
        self._follow(repository, pull)
        expected = asked.get("head_commit_id")
        if expected and expected != pull.head_sha:
            raise ForgejoError(409, "head out of date")
        before = repository.bare.references()
        pull.merge_commit = _merged(repository, pull, asked)
        repository.bare.update(f"refs/heads/{pull.base}", pull.merge_commit, pull.base_sha)
        pull.merged = pull.closed = pull.updated = now()
        pull.state = "closed"
        if asked.get("delete_branch_after_merge"):
            repository.bare.delete(f"refs/heads/{pull.head}")
        self._forgejo.pushed(repository, before)
        return Response(200)

    def _follow(self, repository: Repository, pull: PullRequest) -> None:
        heads = repository.bare.heads()
        if pull.state == "open":
            pull.head_sha = heads.get(pull.head, pull.head_sha)
            pull.base_sha = heads.get(pull.base, pull.base_sha)

    def _view(self, repository: Repository, pull: PullRequest, caller: Caller) -> dict[str, Any]:
        self._follow(repository, pull)
        bare = repository.bare
        merge_base = bare.merge_base(pull.base_sha, pull.head_sha)
        facts = {
            "merge_base": merge_base,
            "mergeable": pull.state == "open" and bare.merged_tree(pull.base_sha, pull.head_sha) is not None,
            "changed_files": len(bare.changed_files(merge_base, pull.head_sha)) if merge_base else 0,
        }
        user = self._forgejo.views.user(pull.user, self._forgejo.users[pull.user])
        return self._forgejo.views.pull(pull, self._forgejo.view(repository, caller), user, facts)


def _pull(repository: Repository, index: int) -> PullRequest:
    if index not in repository.pulls:
        raise not_found()
    return repository.pulls[index]


def _open_between(repository: Repository, base: str, head: str) -> PullRequest | None:
    for pull in repository.pulls.values():
        if pull.state == "open" and (pull.base, pull.head) == (base, head):
            return pull
    return None


def _set_state(pull: PullRequest, state: str) -> None:
    if pull.merged is not None:
        raise ForgejoError(412, "cannot change state of this pull request, it was already merged")
    pull.state = state
    pull.closed = now() if state == "closed" else None


def _merged(repository: Repository, pull: PullRequest, asked: dict[str, Any]) -> str:
    style = asked.get("Do")
    bare = repository.bare
    forward = bare.is_ancestor(pull.base_sha, pull.head_sha)
    if style in ("fast-forward-only", "rebase") and forward:
        return pull.head_sha
    if style not in ("merge", "squash", "rebase-merge"):
        raise ForgejoError(409 if style in ("fast-forward-only", "rebase") else 422, "merge style not possible")
    tree = bare.merged_tree(pull.base_sha, pull.head_sha)
    if tree is None:
        raise ForgejoError(409, "Merge Conflict")
    parents = [pull.base_sha] if style == "squash" else [pull.base_sha, pull.head_sha]
    title = asked.get("MergeTitleField") or f"Merge pull request '{pull.title}' (#{pull.number}) from {pull.head}"
    text = asked.get("MergeMessageField")
    return bare.commit_tree(tree, parents, f"{title}\n\n{text}\n" if text else f"{title}\n")
