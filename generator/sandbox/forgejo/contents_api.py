"""Forgejo's branches, commits, trees and files."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.sandbox.forgejo.errors import ForgejoError, not_found
from generator.sandbox.forgejo.state import Repository
from generator.sandbox.forgejo.views import JsonObject
from generator.sandbox.messages import Request, Response, json_response, page_of, route
from generator.sandbox.repositories import Commit, GitError

if TYPE_CHECKING:
    from generator.sandbox.forgejo.application import Caller, Forgejo


class ContentsApi:
    """Handlers for what git holds."""

    def __init__(self, forgejo: Forgejo) -> None:
        self._forgejo = forgejo

    def _branch(self, caller: Caller, repository: Repository, name: str, sha: str) -> JsonObject:
        shown = self._forgejo.views.branch(repository, name, _commit(repository, sha), caller.user)
        if caller.user in repository.writers:
            shown["effective_branch_protection_name"] = ""  # for administrators only
        return shown

    @route("GET", "/repos/<owner>/<repo>/branches")
    def branches(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """The branches; ``null`` in an empty repository."""
        repository = self._forgejo.readable(caller, owner, repo)
        heads = list(repository.bare.heads().items())
        if not heads:
            return json_response(200, None, {"X-Total-Count": "0"})
        page = page_of(heads, request, size_name="limit", default=30, maximum=50)
        shown = [self._branch(caller, repository, name, sha) for name, sha in page]
        return json_response(200, shown, {"X-Total-Count": str(len(heads))})

    @route("GET", "/repos/<owner>/<repo>/branches/<path:branch>")
    def branch(self, request: Request, caller: Caller, owner: str, repo: str, branch: str) -> Response:
        """A branch."""
        repository = self._forgejo.readable(caller, owner, repo)
        sha = repository.bare.heads().get(branch)
        if sha is None:
            raise not_found(f"branch does not exist [name: {branch}]")
        return json_response(200, self._branch(caller, repository, branch, sha))

    @route("PATCH", "/repos/<owner>/<repo>/branches/<path:branch>")
    def rename_branch(self, request: Request, caller: Caller, owner: str, repo: str, branch: str) -> Response:
        """Rename a branch, the default one among them."""
        repository = self._forgejo.writable(caller, owner, repo)
        heads, name = repository.bare.heads(), str(request.json_object().get("name") or "")
        if branch not in heads:
            raise not_found()
        if not name or name in heads:
            raise ForgejoError(
                422, "Cannot rename a branch using the same name or rename to a branch that already exists."
            )
        before = repository.bare.references()
        repository.rename_branch(branch, name)
        self._forgejo.pushed(repository, before)
        return Response(204)

    @route("DELETE", "/repos/<owner>/<repo>/branches/<path:branch>")
    def delete_branch(self, request: Request, caller: Caller, owner: str, repo: str, branch: str) -> Response:
        """Delete a branch, but not the default one."""
        repository = self._forgejo.writable(caller, owner, repo, content=True)
        if branch not in repository.bare.heads():
            raise not_found()
        if branch == repository.default_branch:
            raise ForgejoError(403, "can not delete default branch")
        before = repository.bare.references()
        repository.bare.delete(f"refs/heads/{branch}")
        self._forgejo.pushed(repository, before)
        return Response(204)

    @route("GET", "/repos/<owner>/<repo>/commits")
    def commits(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Commits reachable from ``sha`` (a commit or branch; default: the default branch), newest first.

        Those that ``not`` reaches too are left out.
        """
        repository = self._forgejo.readable(caller, owner, repo)
        if repository.empty:
            raise ForgejoError(409, "Git Repository is empty.")
        sha = repository.bare.resolve(request.parameter("sha") or repository.default_branch)
        if sha is None:
            return json_response(404, None)
        path = request.parameter("path")
        size = 50 if path else min(int(request.parameter("limit") or 30), 50)  # a file's pages have a size of their own
        page = max(int(request.parameter("page") or 1), 1)
        without = repository.bare.resolve(request.parameter("not"))
        found = repository.bare.log(sha, limit=size, skip=(page - 1) * size, path=path, without=without or "")
        if path and not repository.bare.log(sha, limit=1, path=path):
            raise ForgejoError(404, "FileCommitsCount", [])
        total = repository.bare.count(sha, path)
        headers = {"X-Total-Count": str(total), "X-Total": str(total), "X-Page": str(page), "X-PerPage": str(size)}
        verified = request.parameter("verification", "true") == "true"
        shown = [self._forgejo.views.commit(repository, commit, verified=verified) for commit in found]
        return json_response(200, shown, headers)

    @route("GET", "/repos/<owner>/<repo>/git/refs")
    def references(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Branches, tags and the heads of pull requests; 404 where there are none."""
        repository = self._forgejo.readable(caller, owner, repo)
        found = repository.bare.references()
        found |= {f"refs/pull/{number}/head": pull.head_sha for number, pull in repository.pulls.items()}
        if not found:
            raise not_found()
        api = f"{self._forgejo.views.api}/repos/{repository.full_name}/git"
        shown = [
            {
                "ref": name,
                "url": f"{api}/{name}",
                "object": {
                    "type": "commit" if repository.bare.resolve(sha) == sha else "tag",
                    "sha": sha,
                    "url": f"{api}/commits/{sha}",
                },
            }
            for name, sha in sorted(found.items())
        ]
        return json_response(200, shown)

    @route("GET", "/repos/<owner>/<repo>/git/trees/<path:sha>")
    def tree(self, request: Request, caller: Caller, owner: str, repo: str, sha: str) -> Response:
        """A tree by commit, branch or tree id; with ``recursive`` all that is below."""
        repository = self._forgejo.readable(caller, owner, repo)
        recursive = request.parameter("recursive").lower() in ("1", "true")
        try:
            entries = repository.bare.entries(sha, recursive=recursive)
        except GitError as error:
            raise ForgejoError(400, f"object does not exist [id: {sha}, rel_path: ]") from error
        size = min(int(request.parameter("per_page") or 1000), 1000)
        page = page_of(entries, request, size_name="per_page", default=1000, maximum=1000)
        api = f"{self._forgejo.views.api}/repos/{repository.full_name}/git"
        shown = [
            {
                "path": entry.path,
                "mode": entry.mode,
                "type": entry.kind,
                "size": entry.size,
                "sha": entry.sha,
                "url": f"{api}/{entry.kind}s/{entry.sha}",
            }
            for entry in page
        ]
        number = int(request.parameter("page") or 1)
        body = {
            "sha": repository.bare.resolve(sha) or sha,
            "url": f"{api}/trees/{sha}",
            "tree": shown,
            "truncated": number * size < len(entries),
            "page": number,
            "total_count": len(entries),
        }
        return json_response(200, body)

    @route("GET", "/repos/<owner>/<repo>/contents")
    @route("GET", "/repos/<owner>/<repo>/contents/<path:path>")
    def contents(self, request: Request, caller: Caller, owner: str, repo: str, path: str = "") -> Response:
        """A file, or the entries of a directory; an empty list for whatever path in an empty repository."""
        repository = self._forgejo.readable(caller, owner, repo)
        if repository.empty:
            return json_response(200, [])
        ref = request.parameter("ref") or repository.default_branch
        sha = repository.bare.resolve(ref)
        if sha is None:
            raise not_found()
        path = path.strip("/")
        here = repository.bare.entries(sha, path) if path else []
        if path and not here:
            raise ForgejoError(404, "GetContentsOrList", [f"object does not exist [id: , rel_path: {path}]"])
        views = self._forgejo.views
        if here and here[0].kind == "blob":
            body = repository.bare.blob(here[0].sha)
            return json_response(200, views.content(repository, here[0], ref, _last(repository, sha, path), body))
        inside = repository.bare.entries(sha, f"{path}/" if path else "")
        shown = [views.content(repository, entry, ref, _last(repository, sha, entry.path)) for entry in inside]
        return json_response(200, shown)

    @route("GET", "/repos/<owner>/<repo>/raw/<path:path>")
    def raw(self, request: Request, caller: Caller, owner: str, repo: str, path: str) -> Response:
        """The bytes of a file."""
        repository = self._forgejo.readable(caller, owner, repo)
        if repository.empty:
            raise not_found("repository is empty")
        sha = repository.bare.resolve(request.parameter("ref") or repository.default_branch)
        body = repository.bare.file(sha, path) if sha else None
        if body is None:
            raise not_found()
        # As described. A real server says text/plain of a text.
        return Response(200, body, "application/octet-stream")


def _commit(repository: Repository, sha: str) -> Commit:
    return repository.bare.log(sha, limit=1)[0]


def _last(repository: Repository, sha: str, path: str) -> Commit:
    return repository.bare.log(sha, limit=1, path=path)[0]
