"""GitHub's branches, commits, references and files."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from generator.sandbox.github.errors import GitHubError, not_found
from generator.sandbox.github.state import Repository
from generator.sandbox.messages import Request, Response, json_response, page_of, route
from generator.sandbox.repositories import Commit

if TYPE_CHECKING:
    from generator.sandbox.github.application import Caller, GitHub


class ContentsApi:
    """Handlers for what git holds."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    @route("GET", "/repos/<owner>/<repo>/branches")
    def branches(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """A repository's branches."""
        repository = self._github.visible(caller, owner, repo)
        heads = page_of(list(repository.bare.heads().items()), request, size_name="per_page", default=30, maximum=100)
        return json_response(200, [self._github.views.short_branch(repository, *head) for head in heads])

    @route("GET", "/repos/<owner>/<repo>/branches/<path:branch>")
    def branch(self, request: Request, caller: Caller, owner: str, repo: str, branch: str) -> Response:
        """A branch."""
        repository = self._github.visible(caller, owner, repo)
        sha = repository.bare.heads().get(branch)
        if sha is None:
            raise GitHubError(404, "Branch not found")
        return json_response(200, self._github.views.branch(repository, branch, self._commit(repository, sha)))

    @route("GET", "/repos/<owner>/<repo>/commits")
    def commits(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Commits reachable from ``sha`` (default: the default branch)."""
        repository = self._not_empty(caller, owner, repo)
        sha = repository.bare.resolve(request.parameter("sha") or repository.default_branch)
        if sha is None:
            raise not_found()
        size, page = int(request.parameter("per_page") or 30), int(request.parameter("page") or 1)
        path = request.parameter("path")
        found = repository.bare.log(sha, limit=min(size, 100), skip=(page - 1) * min(size, 100), path=path)
        return json_response(200, [self._github.views.commit(repository, commit) for commit in found])

    @route("GET", "/repos/<owner>/<repo>/commits/<path:ref>")
    def commit(self, request: Request, caller: Caller, owner: str, repo: str, ref: str) -> Response:
        """A commit by id, branch or tag; only its id with ``Accept: application/vnd.github.sha``."""
        repository = self._not_empty(caller, owner, repo)
        sha = repository.bare.resolve(ref)
        if sha is None:
            raise GitHubError(422, f"No commit found for SHA: {ref}")
        if "vnd.github.sha" in request.header("accept"):
            return Response(200, sha.encode(), "application/vnd.github.sha; charset=utf-8")
        commit = self._github.views.commit(repository, self._commit(repository, sha))
        return json_response(200, commit | {"stats": {"total": 0, "additions": 0, "deletions": 0}, "files": []})

    @route("GET", "/repos/<owner>/<repo>/git/ref/<path:ref>")
    def reference(self, request: Request, caller: Caller, owner: str, repo: str, ref: str) -> Response:
        """A git reference, named without ``refs/``."""
        repository = self._not_empty(caller, owner, repo)
        name = f"refs/{ref}"
        sha = repository.bare.references().get(name)
        if sha is None:
            raise not_found()
        return json_response(200, self._github.views.reference(repository, name, sha))

    @route("GET", "/repos/<owner>/<repo>/git/matching-refs/<path:ref>")
    def matching_references(self, request: Request, caller: Caller, owner: str, repo: str, ref: str) -> Response:
        """The references whose names begin so, named without ``refs/``; an annotated tag's object is the tag."""
        repository = self._not_empty(caller, owner, repo)
        found = sorted(repository.bare.references().items())
        shown = [self._github.views.reference(repository, *item) for item in found if item[0].startswith(f"refs/{ref}")]
        return json_response(200, shown)

    @route("GET", "/repos/<owner>/<repo>/git/trees/<path:ref>")
    def tree(self, request: Request, caller: Caller, owner: str, repo: str, ref: str) -> Response:
        """All files of a commit, whatever ``recursive`` says."""
        repository = self._not_empty(caller, owner, repo)
        sha = repository.bare.resolve(ref)
        if sha is None:
            raise not_found()
        listed = [
            {"path": item.path, "mode": item.mode, "type": item.kind, "sha": item.sha, "size": item.size}
            for item in repository.bare.entries(sha, recursive=True)
        ]
        return json_response(200, {"sha": sha, "tree": listed, "truncated": False})

    @route("GET", "/repos/<owner>/<repo>/git/blobs/<sha>")
    def blob(self, request: Request, caller: Caller, owner: str, repo: str, sha: str) -> Response:
        """A file's content by its id."""
        repository = self._not_empty(caller, owner, repo)
        content = repository.bare.blob(sha)
        encoded = base64.encodebytes(content).decode()
        return json_response(200, {"sha": sha, "size": len(content), "encoding": "base64", "content": encoded})

    @route("GET", "/repos/<owner>/<repo>/contents/")
    @route("GET", "/repos/<owner>/<repo>/contents/<path:path>")
    def contents(self, request: Request, caller: Caller, owner: str, repo: str, path: str = "") -> Response:
        """A file, or the entries of a directory; 404 in an empty repository."""
        repository = self._github.visible(caller, owner, repo)
        ref = request.parameter("ref") or repository.default_branch
        sha = repository.bare.resolve(ref)
        if sha is None:
            raise GitHubError(404, f"No commit found for the ref {ref}" if request.parameter("ref") else "Not Found")
        path = path.strip("/")
        views = self._github.views
        here = repository.bare.entries(sha, path) if path else []
        if path and not here:
            raise not_found()
        if here and here[0].kind == "blob":
            return json_response(200, views.content(repository, here[0], ref, repository.bare.blob(here[0].sha)))
        inside = repository.bare.entries(sha, f"{path}/" if path else "")
        return json_response(200, [views.content(repository, entry, ref) for entry in inside])

    def _not_empty(self, caller: Caller, owner: str, repo: str) -> Repository:
        repository = self._github.visible(caller, owner, repo)
        if repository.empty:
            raise GitHubError(409, "Git Repository is empty.")
        return repository

    def _commit(self, repository: Repository, sha: str) -> Commit:
        return repository.bare.log(sha, limit=1)[0]
