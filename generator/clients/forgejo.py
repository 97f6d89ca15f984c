"""Forgejo's API, as far as a service's onboarding needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from generator.clients.transport import Api, http_client
from generator.errors import SystemFailure
from generator.platform import Platform
from generator.secret import Secret


@dataclass(frozen=True)
class Repository:
    """What is known of a repository."""

    owner: str
    name: str
    description: str
    private: bool
    archived: bool
    empty: bool
    default_branch: str
    url: str


@dataclass(frozen=True)
class PushMirror:
    """A push mirror; the server never hands its credentials back."""

    name: str
    address: str
    interval: str
    sync_on_commit: bool
    last_error: str


@dataclass(frozen=True)
class PullRequest:
    """An open or merged pull request."""

    number: int
    state: str
    merged: bool
    head: str
    url: str


class Forgejo:
    """Client of one Forgejo."""

    def __init__(self, platform: Platform, token: Secret, source: str = "FORGEJO_TOKEN") -> None:
        headers = {"Authorization": f"token {token.reveal()}", "Accept": "application/json"}
        self._api = Api("forgejo", http_client(platform, "forgejo", headers, "/api/v1"), source)
        self._mirror_timeout = float(platform.connection["mirror_timeout_seconds"])

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def login(self) -> str:
        """Name of the token's user."""
        return str(self._api.json("GET", "/user")["login"])

    def repository(self, owner: str, name: str) -> Repository | None:
        """The repository, or None where there is none that this token may see."""
        data = self._api.json("GET", f"/repos/{owner}/{name}", allow=(404,))
        return None if data is None else _repository(data)

    def create_repository(self, owner: str, name: str, *, description: str, private: bool, branch: str) -> None:
        """Create an empty repository for ``owner``, a user or an organisation. Its first push makes ``branch``.

        One that is there already is left alone: another run may have been quicker, the caller looks whose it is.
        """
        path = "/user/repos" if owner == self.login() else f"/orgs/{owner}/repos"
        body = {
            "name": name,
            "description": description,
            "private": private,
            "auto_init": False,
            "default_branch": branch,
        }
        self._api.request("POST", path, json=body, allow=(409,))

    def set_private(self, owner: str, name: str, *, private: bool) -> None:
        """Change who may see the repository."""
        self._api.request("PATCH", f"/repos/{owner}/{name}", json={"private": private})

    def branch(self, owner: str, name: str, branch: str) -> str | None:
        """Commit id of a branch, or None."""
        data = self._api.json("GET", f"/repos/{owner}/{name}/branches/{quote(branch, safe='')}", allow=(404,))
        return None if data is None else str(data["commit"]["id"])

    def has_commit(self, owner: str, name: str, sha: str) -> bool:
        """Whether the repository holds the commit."""
        query = {"sha": sha, "limit": 1, "stat": "false", "files": "false", "verification": "false"}
        return self._api.json("GET", f"/repos/{owner}/{name}/commits", params=query, allow=(404, 409)) is not None

    def file(self, owner: str, name: str, path: str, ref: str) -> bytes | None:
        """Content of a file at a branch or commit, or None."""
        address = f"/repos/{owner}/{name}/raw/{quote(path)}"
        response = self._api.request("GET", address, params={"ref": ref}, allow=(404,))
        return None if response.status_code == 404 else response.content

    def tree(self, owner: str, name: str, sha: str) -> dict[str, str]:
        """Blob ids by path of all files in a commit."""
        files: dict[str, str] = {}
        for page in range(1, 101):
            query = {"recursive": "true", "per_page": 1000, "page": page}
            data = self._api.json("GET", f"/repos/{owner}/{name}/git/trees/{sha}", params=query)
            files.update({item["path"]: item["sha"] for item in data["tree"] if item["type"] == "blob"})
            if not data.get("truncated"):
                break
        return files

    def branches(self, owner: str, name: str) -> dict[str, str]:
        """Commit ids by branch."""
        branches: dict[str, str] = {}
        for page in range(1, 101):
            items = self._api.json("GET", f"/repos/{owner}/{name}/branches", params={"limit": 50, "page": page}) or []
            branches.update({item["name"]: item["commit"]["id"] for item in items})
            if len(items) < 50:
                break
        return branches

    def push_mirrors(self, owner: str, name: str) -> list[PushMirror]:
        """All push mirrors of a repository."""
        return [_mirror(item) for item in self._api.json("GET", f"/repos/{owner}/{name}/push_mirrors") or []]

    def add_push_mirror(
        self, owner: str, name: str, address: str, *, user: str, password: Secret, interval: str
    ) -> PushMirror:
        """Add a push mirror that follows every commit. The server accepts duplicates: list first."""
        body = {
            "remote_address": address,
            "remote_username": user,
            "remote_password": password.reveal(),
            "interval": interval,
            "sync_on_commit": True,
        }
        return _mirror(self._api.json("POST", f"/repos/{owner}/{name}/push_mirrors", json=body))

    def delete_push_mirror(self, owner: str, name: str, mirror: str) -> None:
        """Remove a push mirror by its ``remote_name``."""
        self._api.request("DELETE", f"/repos/{owner}/{name}/push_mirrors/{quote(mirror)}")

    def sync_push_mirrors(self, owner: str, name: str) -> None:
        """Push all mirrors now and wait for it: the server answers when they are through.

        Raises ``SystemFailure`` with the mirror's own error where it left one.
        """
        path = f"/repos/{owner}/{name}/push_mirrors-sync"
        response = self._api.request("POST", path, timeout=self._mirror_timeout, allow=(500,))
        errors = [mirror.last_error for mirror in self.push_mirrors(owner, name) if mirror.last_error]
        if response.status_code == 500 or errors:
            raise SystemFailure(
                "forgejo.mirror_failed",
                f"the push mirror of {owner}/{name} failed: {'; '.join(errors) or 'Forgejo gives no reason'}",
                "the GitHub token needs the scopes repo and workflow, and the mirror must not be archived; "
                "then run the same command again",
            )

    def pull_request(self, owner: str, name: str, base: str, head: str) -> PullRequest | None:
        """The open pull request from ``head`` into ``base``; else the newest one that was merged; else None."""
        pulls = self._pulls(owner, name)
        found = [item for item in pulls if item["head"]["ref"] == head and item["base"]["ref"] == base]
        standing = [item for item in found if item["state"] == "open"] or [item for item in found if item["merged"]]
        return _pull_request(standing[0]) if standing else None

    def create_pull_request(self, owner: str, name: str, *, base: str, head: str, title: str, body: str) -> None:
        """Open a pull request; one that another run opened meanwhile is as good."""
        data = {"base": base, "head": head, "title": title, "body": body}
        self._api.request("POST", f"/repos/{owner}/{name}/pulls", json=data, allow=(409,))

    def _pulls(self, owner: str, name: str) -> list[dict[str, Any]]:
        pulls: list[dict[str, Any]] = []
        for page in range(1, 21):  # newest first, 50 a page: a thousand pull requests back is far enough
            query = {"state": "all", "sort": "recentupdate", "limit": 50, "page": page}
            items = self._api.json("GET", f"/repos/{owner}/{name}/pulls", params=query) or []
            pulls += items
            if len(items) < 50:
                break
        return pulls


def _repository(data: dict[str, Any]) -> Repository:
    return Repository(
        owner=data["owner"]["login"],
        name=data["name"],
        description=data.get("description") or "",
        private=data["private"],
        archived=data["archived"],
        empty=data["empty"],
        default_branch=data.get("default_branch") or "",
        url=data.get("html_url") or "",
    )


def _mirror(data: dict[str, Any]) -> PushMirror:
    return PushMirror(
        name=data["remote_name"],
        address=data["remote_address"],
        interval=data.get("interval") or "",
        sync_on_commit=bool(data.get("sync_on_commit")),
        last_error=data.get("last_error") or "",
    )


def _pull_request(data: dict[str, Any]) -> PullRequest:
    return PullRequest(
        data["number"], data["state"], bool(data.get("merged")), data["head"]["sha"], data.get("html_url") or ""
    )
