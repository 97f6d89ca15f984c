"""Forgejo's API, as far as a service's onboarding needs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from generator.base.memo import Looks
from generator.base.secrets import Secret
from generator.clients.patience import Patience
from generator.clients.shapes import flag, listed, number, text
from generator.clients.transport import Api, http_client
from generator.infra_repo.fingerprints import EXECUTABLE, Blob
from generator.platform.profile import Platform


@dataclass(frozen=True)
class Repository:
    """What is known of a repository. ``limited``: its owner is not shown to everybody, and so neither is it."""

    owner: str
    name: str
    description: str
    private: bool
    archived: bool
    empty: bool
    default_branch: str
    url: str
    limited: bool = False


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
    merge_base: str = ""
    branch: str = ""
    base: str = ""
    title: str = ""
    body: str = ""


@dataclass(frozen=True)
class AccessToken:
    """A token as its user's list shows it: what it may do, and the end of its value.

    ``limited``: it reaches some repositories only, or public ones only.
    """

    name: str
    last_eight: str
    scopes: frozenset[str]
    limited: bool


@dataclass(frozen=True)
class Rights:
    """What the token's user may do in a repository, as far as the user's own rights go."""

    push: bool
    archived: bool


@dataclass(frozen=True)
class Commit:
    """A commit: its id, those that it stands on, and its message."""

    id: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Activity:
    """What people have made of a repository beside its commits.

    ``issues``: those that could be seen, open or not, pull requests among them; as soon as there is one the number says
    no more. ``untracked``: issues are switched off or kept elsewhere, and those of before can't be seen.
    """

    issues: int
    untracked: bool
    releases: int
    forks: int
    wiki: bool
    webhooks: int


class Forgejo:
    """Client of one Forgejo."""

    def __init__(
        self, platform: Platform, token: Secret, source: str = "FORGEJO_TOKEN", patience: Patience | None = None
    ) -> None:
        headers = {"Authorization": f"token {token.reveal()}", "Accept": "application/json"}
        client = http_client(platform, "forgejo", headers, "/api/v1")
        self._api = Api("forgejo", client, source, patience or Patience.of(platform))
        self._once = Looks(failures=False)
        self._mirror_timeout = platform.connection.mirror_timeout_seconds

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def login(self) -> str:
        """Name of the token's user; asked for once."""
        return self._once.look("login", lambda: self._api.read("GET", "/user", lambda data: text(data["login"])))

    def repository(self, owner: str, name: str) -> Repository | None:
        """The repository, or None where there is none that this token may see."""
        return self._api.find("GET", f"/repos/{owner}/{name}", _repository)

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

    def make_private(self, owner: str, name: str) -> None:
        """Let only those see the repository who were let in. Nothing here makes one more visible."""
        self._api.request("PATCH", f"/repos/{owner}/{name}", json={"private": True})

    def branch(self, owner: str, name: str, branch: str) -> str | None:
        """Commit id of a branch, or None."""
        path = f"/repos/{owner}/{name}/branches/{quote(branch, safe='')}"
        return self._api.find("GET", path, lambda data: text(data["commit"]["id"]))

    def branch_time(self, owner: str, name: str, branch: str) -> datetime | None:
        """When the newest commit of a branch was made; None where there is no such branch any more."""
        path = f"/repos/{owner}/{name}/branches/{quote(branch, safe='')}"
        return self._api.find("GET", path, lambda data: datetime.fromisoformat(data["commit"]["timestamp"]))

    def has_commit(self, owner: str, name: str, sha: str) -> bool:
        """Whether the repository holds the commit."""
        query = {"sha": sha, "limit": 1, "stat": "false", "files": "false", "verification": "false"}
        path = f"/repos/{owner}/{name}/commits"
        found = self._api.find("GET", path, lambda data: text(data[0]["sha"]), params=query, missing=(404, 409))
        return found == sha

    def file(self, owner: str, name: str, path: str, ref: str) -> bytes | None:
        """Content of a file at a branch or commit, or None."""
        address = f"/repos/{owner}/{name}/raw/{quote(path)}"
        response = self._api.request("GET", address, params={"ref": ref}, allow=(404,))
        return None if response.status_code == 404 else response.content

    def tree(self, owner: str, name: str, sha: str) -> dict[str, Blob]:
        """All files in a commit by path."""
        files: dict[str, Blob] = {}
        for page in range(1, 101):
            query = {"recursive": "true", "per_page": 1000, "page": page}
            found, more = self._api.read("GET", f"/repos/{owner}/{name}/git/trees/{sha}", _tree, params=query)
            files.update(found)
            if not more:
                break
        return files

    def branches(self, owner: str, name: str) -> dict[str, str]:
        """Commit ids by branch; none where the repository is empty."""
        branches: dict[str, str] = {}
        for page in range(1, 101):
            query = {"limit": 50, "page": page}
            found = self._api.read("GET", f"/repos/{owner}/{name}/branches", _branches, params=query)
            branches.update(found)
            if len(found) < 50:
                break
        return branches

    def push_mirrors(self, owner: str, name: str) -> list[PushMirror] | None:
        """All push mirrors of a repository; None where there is no repository that this token may see."""
        return self._api.find("GET", f"/repos/{owner}/{name}/push_mirrors", _mirrors)

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
        return self._api.read("POST", f"/repos/{owner}/{name}/push_mirrors", _mirror, json=body)

    def delete_push_mirror(self, owner: str, name: str, mirror: str) -> None:
        """Remove a push mirror by its ``remote_name``; one that is gone already is as good."""
        self._api.request("DELETE", f"/repos/{owner}/{name}/push_mirrors/{quote(mirror)}", allow=(404,))

    def sync_push_mirrors(self, owner: str, name: str) -> bool:
        """Push all mirrors now, one after the other, and wait for it; whether all went well.

        Where one failed, those after it were skipped, and its ``last_error`` says why.
        """
        path = f"/repos/{owner}/{name}/push_mirrors-sync"
        response = self._api.request("POST", path, timeout=self._mirror_timeout, allow=(500,))
        return response.status_code != 500

    def pull_request(self, owner: str, name: str, base: str, head: str) -> PullRequest | None:
        """The open pull request from ``head`` into ``base``; else the newest one that was merged; else None."""
        found = [pull for pull in self._pulls(owner, name) if (pull.branch, pull.base) == (head, base)]
        standing = [pull for pull in found if pull.state == "open"] or [pull for pull in found if pull.merged]
        return standing[0] if standing else None

    def create_pull_request(self, owner: str, name: str, *, base: str, head: str, title: str, body: str) -> None:
        """Open a pull request; one that another run opened meanwhile is as good."""
        data = {"base": base, "head": head, "title": title, "body": body}
        self._api.request("POST", f"/repos/{owner}/{name}/pulls", json=data, allow=(409,))

    def _pulls(self, owner: str, name: str) -> list[PullRequest]:
        pulls: list[PullRequest] = []
        for page in range(1, 21):  # newest first, 50 a page: a thousand pull requests back is far enough
            query = {"state": "all", "sort": "recentupdate", "limit": 50, "page": page}
            items = self._api.read("GET", f"/repos/{owner}/{name}/pulls", _pull_requests, params=query)
            pulls += items
            if len(items) < 50:
                break
        return pulls

    def access_tokens(self, user: str) -> list[AccessToken]:
        """All access tokens of a user. Raises ``PreflightError`` where this token may not ask for them."""
        tokens: list[AccessToken] = []
        for page in range(1, 21):  # 50 a page is the server's own cap
            query = {"limit": 50, "page": page}
            items = self._api.read("GET", f"/users/{quote(user)}/tokens", _access_tokens, params=query)
            tokens += items
            if len(items) < 50:
                break
        return tokens

    def rights(self, owner: str, name: str) -> Rights | None:
        """What this token's user may do in a repository; None where there is none that the token may see."""
        return self._api.find("GET", f"/repos/{owner}/{name}", _rights)

    def may_create(self, user: str, organisation: str) -> bool | None:
        """Whether a user may create repositories in an organisation; None where there is none that can be seen."""
        path = f"/users/{quote(user)}/orgs/{quote(organisation)}/permissions"
        return self._api.find("GET", path, lambda data: flag(data["can_create_repository"]))

    def commits(
        self, owner: str, name: str, sha: str, *, without: str = "", path: str = "", limit: int = 50
    ) -> list[Commit]:
        """The newest commits of a branch, tag or commit, 50 at most; those that ``without`` has too are left out.

        ``path``: only those that touched it.
        """
        query = {"sha": sha, "limit": limit, "stat": "false", "files": "false", "verification": "false"}
        query |= {key: value for key, value in (("not", without), ("path", path)) if value}
        nothing = (404, 409) if path else ()  # how the server says that no commit touched a path
        return self._api.find("GET", f"/repos/{owner}/{name}/commits", _commits, params=query, missing=nothing) or []

    def references(self, owner: str, name: str) -> dict[str, str]:
        """The ids that all references name, by full name; an annotated tag's is the tag's own."""
        return self._api.find("GET", f"/repos/{owner}/{name}/git/refs", _references, missing=(404, 409)) or {}

    def activity(self, owner: str, name: str) -> Activity | None:
        """What people have made of a repository; None where there is none, or its issues can't be seen.

        Raises ``PreflightError`` without the scope ``read:issue``.
        """
        found = self._api.find("GET", f"/repos/{owner}/{name}", _activity)
        if found is None:
            return None
        activity, wiki_told = found
        hooks = self._api.read("GET", f"/repos/{owner}/{name}/hooks", listed, params={"limit": 50})
        if not wiki_told:  # Forgejo before version 14
            pages = self._api.find("GET", f"/repos/{owner}/{name}/wiki/pages", listed)
            activity = replace(activity, wiki=bool(pages))
        query = {"state": "all", "limit": 1}
        issues = self._api.find("GET", f"/repos/{owner}/{name}/issues", listed, params=query)
        if issues is None and not activity.untracked:
            return None
        return replace(activity, webhooks=len(hooks), issues=activity.issues + len(issues or []))

    def set_archived(self, owner: str, name: str, *, archived: bool, description: str) -> None:
        """Archive a repository, or open it again, with a description that says so. An archived one takes no pushes."""
        body = {"archived": archived, "description": description}
        self._api.request("PATCH", f"/repos/{owner}/{name}", json=body)

    def delete_repository(self, owner: str, name: str) -> None:
        """Delete a repository, for good; one that is gone already is as good."""
        self._api.request("DELETE", f"/repos/{owner}/{name}", allow=(404,))

    def open_pull_requests(self, owner: str, name: str) -> list[PullRequest]:
        """All open pull requests; none where the repository is empty, or has none at all."""
        pulls: list[PullRequest] = []
        for page in range(1, 101):  # 50 a page is the server's own cap
            query = {"state": "open", "limit": 50, "page": page}
            items = self._api.find("GET", f"/repos/{owner}/{name}/pulls", _pull_requests, params=query) or []
            pulls += items
            if len(items) < 50:
                break
        return pulls

    def newest_pull_request(self, owner: str, name: str, base: str, head: str) -> PullRequest | None:
        """The newest pull request from ``head`` into ``base``, whatever became of it."""
        path = f"/repos/{owner}/{name}/pulls/{quote(base, safe='')}/{quote(head)}"
        return self._api.find("GET", path, _pull_request)

    def edit_pull_request(
        self, owner: str, name: str, number: int, *, title: str, body: str, close: bool = False
    ) -> None:
        """Give a pull request another title and text; ``close`` it, unmerged, at the same time."""
        data = {"title": title, "body": body, **({"state": "closed"} if close else {})}
        self._api.request("PATCH", f"/repos/{owner}/{name}/pulls/{number}", json=data)

    def close_pull_request(self, owner: str, name: str, number: int) -> None:
        """Close a pull request without merging it."""
        self._api.request("PATCH", f"/repos/{owner}/{name}/pulls/{number}", json={"state": "closed"})


def _repository(data: Any) -> Repository:
    return Repository(
        owner=text(data["owner"]["login"]),
        name=text(data["name"]),
        description=data.get("description") or "",
        private=flag(data["private"]),
        archived=flag(data["archived"]),
        empty=flag(data["empty"]),
        default_branch=data.get("default_branch") or "",
        url=data.get("html_url") or "",
        limited=bool(data.get("internal")) or (data["owner"].get("visibility") or "public") != "public",
    )


def _rights(data: Any) -> Rights:
    return Rights(push=flag(data["permissions"]["push"]), archived=flag(data["archived"]))


def _tree(data: Any) -> tuple[dict[str, Blob], bool]:
    """Files by path, and whether there is more; a commit without files may say null."""
    items = listed(data["tree"], null=True)
    files = {
        text(item["path"]): Blob(text(item["sha"]), text(item["mode"]) == EXECUTABLE)
        for item in items
        if item["type"] == "blob"
    }
    return files, bool(data.get("truncated"))


def _branches(data: Any) -> dict[str, str]:
    """Commit ids by branch; an empty repository's answer is null."""
    return {text(item["name"]): text(item["commit"]["id"]) for item in listed(data, null=True)}


def _references(data: Any) -> dict[str, str]:
    return {text(item["ref"]): text(item["object"]["sha"]) for item in listed(data)}


def _access_tokens(data: Any) -> list[AccessToken]:
    return [_access_token(item) for item in listed(data)]


def _access_token(data: Any) -> AccessToken:
    scopes = frozenset(map(str, data.get("scopes") or []))
    limited = data.get("repositories") is not None or "public-only" in scopes
    return AccessToken(text(data["name"]), text(data["token_last_eight"]), scopes, limited)


def _mirrors(data: Any) -> list[PushMirror]:
    return [_mirror(item) for item in listed(data)]


def _mirror(data: Any) -> PushMirror:
    return PushMirror(
        name=text(data["remote_name"]),
        address=text(data["remote_address"]),
        interval=data.get("interval") or "",
        sync_on_commit=bool(data.get("sync_on_commit")),
        last_error=data.get("last_error") or "",
    )


def _pull_requests(data: Any) -> list[PullRequest]:
    return [_pull_request(item) for item in listed(data)]


def _pull_request(data: Any) -> PullRequest:
    return PullRequest(
        number=number(data["number"]),
        state=text(data["state"]),
        merged=bool(data.get("merged")),
        head=data["head"]["sha"],
        url=data.get("html_url") or "",
        merge_base=data.get("merge_base") or "",
        branch=str(data["head"]["ref"]),
        base=str(data["base"]["ref"]),
        title=data.get("title") or "",
        body=data.get("body") or "",
    )


def _commits(data: Any) -> list[Commit]:
    return [_commit(item) for item in listed(data)]


def _commit(data: Any) -> Commit:
    parents = tuple(text(parent["sha"]) for parent in listed(data["parents"]))
    return Commit(text(data["sha"]), parents, str(data["commit"]["message"]))


def _activity(data: Any) -> tuple[Activity, bool]:
    """All but the webhooks, and whether the wiki is told of."""
    activity = Activity(
        issues=number(data["open_issues_count"]) + number(data["open_pr_counter"]),
        untracked=not flag(data["has_issues"]) or bool(data.get("external_tracker")),
        releases=number(data["release_counter"]),
        forks=number(data["forks_count"]),
        wiki=flag(data.get("has_wiki_contents", False)),
        webhooks=0,
    )
    return activity, "has_wiki_contents" in data
