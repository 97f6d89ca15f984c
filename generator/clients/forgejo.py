"""Forgejo's API, as far as a service's onboarding needs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from generator.base.errors import SystemFailure
from generator.base.memo import Memo
from generator.base.secrets import Secret
from generator.clients.patience import Patience
from generator.clients.renamed import renamed
from generator.clients.shapes import flag, listed, number, text
from generator.clients.transport import Api, http_client
from generator.infra_repo.fingerprints import EXECUTABLE, LINK, SUBMODULE, Blob
from generator.platform.profile import Platform


@dataclass(frozen=True)
class Repository:
    """What is known about a repository. ``limited``: its owner is not visible to everyone, so neither is it.

    ``fork``: someone forked it from another one, with its history and its description. ``mirror``: Forgejo pulls it
    from elsewhere, and takes no push.
    """

    owner: str
    name: str
    description: str
    private: bool
    archived: bool
    empty: bool
    default_branch: str
    url: str
    limited: bool = False
    fork: bool = False
    mirror: bool = False


@dataclass(frozen=True)
class PushMirror:
    """A push mirror; the server never returns its credentials."""

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
    merge_commit: str = ""
    merged_at: str = ""


@dataclass(frozen=True)
class AccessToken:
    """A token as its user's list shows it: its scopes, and the last characters of its value.

    ``limited``: it is limited to some repositories, or to public ones.
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
class BranchRule:
    """A rule on the branches that ``name`` fits: a branch, or a pattern.

    ``push``: anyone with the right to write may push, or only the users in ``allowed`` and members of ``teams``.
    The patterns of files are separated by semicolons. ``created`` orders rules.
    """

    name: str
    push: bool = False
    allowed: frozenset[str] | None = None
    teams: frozenset[str] = frozenset()
    signed: bool = False
    protected_files: str = ""
    unprotected_files: str = ""
    created: str = ""


@dataclass(frozen=True)
class Commit:
    """A commit: its id, its parents' ids, and its message."""

    id: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Activity:
    """What people have added to a repository besides commits.

    ``issues``: visible issues and pull requests, in any state; only whether it is zero is meaningful. ``untracked``:
    issues are switched off or kept elsewhere, so earlier ones can't be seen.
    """

    issues: int
    untracked: bool
    releases: int
    forks: int
    wiki: bool
    webhooks: int


@dataclass(frozen=True)
class Issue:
    """An issue or a pull request: its number, and how many comments people made on it."""

    number: int
    comments: int


class Forgejo:
    """Client of one Forgejo."""

    def __init__(
        self, platform: Platform, token: Secret, source: str = "FORGEJO_TOKEN", patience: Patience | None = None
    ) -> None:
        headers = {"Authorization": f"token {token.reveal()}", "Accept": "application/json"}
        client = http_client(platform, "forgejo", headers, "/api/v1")
        moved = partial(renamed, infra=platform.infra.repository)
        self._api = Api("forgejo", client, source, patience or Patience.of(platform), moved=moved)
        self._once = Memo(failures=False)
        self._mirror_timeout = platform.connection.mirror_timeout_seconds

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def login(self) -> str:
        """Name of the token's user; requested only once."""
        return self._once.look("login", lambda: self._api.read("GET", "/user", lambda data: text(data["login"])))

    def repository(self, owner: str, name: str) -> Repository | None:
        """The repository, or None if it does not exist or this token may not see it."""
        return self._api.find("GET", f"/repos/{owner}/{name}", _repository)

    def create_repository(self, owner: str, name: str, *, description: str, private: bool, branch: str) -> None:
        """Create an empty repository for ``owner``, a user or an organisation. Its first push creates ``branch``.

        One that already exists is left alone: another run may have created it first; the caller checks who owns it.
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

    def migrate_repository(
        self, owner: str, name: str, address: str, *, password: Secret, description: str, private: bool
    ) -> None:
        """Make a repository of one on GitHub, with its history, branches, tags and LFS objects; Forgejo fetches them.

        It waits until that is over. Issues, pull requests, releases and the wiki stay behind. One that already exists
        is left alone: another run may have created it first, or this one before it lost the answer. Raises
        ``SystemFailure`` (``forgejo.migration_failed``) where Forgejo gave up: an empty repository may stay.
        """
        body = {
            "clone_addr": address,
            "auth_token": password.reveal(),
            "service": "github",
            "repo_owner": owner,
            "repo_name": name,
            "description": description,
            "private": private,
            "lfs": True,
            "mirror": False,
        }
        failed = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.INTERNAL_SERVER_ERROR)
        allowed = (HTTPStatus.CONFLICT, *failed)
        answer = self._api.request("POST", "/repos/migrate", json=body, allow=allowed, timeout=self._mirror_timeout)
        if answer.status_code in failed:
            raise SystemFailure(
                "forgejo.migration_failed",
                f"Forgejo could not fetch {address}: {self._api.failure(answer)}",
                f"look into Forgejo's log and correct what failed; delete {owner}/{name} on Forgejo, which is left "
                "there empty, then run the same command again",
            )

    def make_private(self, owner: str, name: str) -> None:
        """Make the repository private."""
        self._api.request("PATCH", f"/repos/{owner}/{name}", json={"private": True})

    def make_public(self, owner: str, name: str) -> None:
        """Let everyone see the repository."""
        self._api.request("PATCH", f"/repos/{owner}/{name}", json={"private": False})

    def describe(self, owner: str, name: str, description: str) -> None:
        """Change the repository's description."""
        self._api.request("PATCH", f"/repos/{owner}/{name}", json={"description": description})

    def branch(self, owner: str, name: str, branch: str) -> str | None:
        """Commit id of a branch, or None."""
        path = f"/repos/{owner}/{name}/branches/{quote(branch, safe='')}"
        return self._api.find("GET", path, lambda data: text(data["commit"]["id"]))

    def branch_time(self, owner: str, name: str, branch: str) -> datetime | None:
        """When the newest commit of a branch was made; None if the branch no longer exists."""
        path = f"/repos/{owner}/{name}/branches/{quote(branch, safe='')}"
        return self._api.find("GET", path, lambda data: datetime.fromisoformat(data["commit"]["timestamp"]))

    def has_commit(self, owner: str, name: str, sha: str) -> bool:
        """Whether the repository holds the commit."""
        query = {"sha": sha, "limit": 1, "stat": "false", "files": "false", "verification": "false"}
        path = f"/repos/{owner}/{name}/commits"
        found = self._api.find("GET", path, lambda data: text(data[0]["sha"]), params=query, missing=(404, 409))
        return found == sha

    def file(self, owner: str, name: str, path: str, ref: str) -> bytes | None:
        """Content of a file at a branch or commit, or None.

        Raises ``SystemFailure`` for a web page, which Forgejo never answers here: even HTML is served as plain text.
        """
        address = f"/repos/{owner}/{name}/raw/{quote(path)}"
        response = self._api.request("GET", address, params={"ref": ref}, allow=(404,))
        if response.headers.get("content-type", "").startswith("text/html"):
            raise self._api.misunderstood(response, "a file")
        return None if response.status_code == 404 else response.content

    def tree(self, owner: str, name: str, sha: str) -> dict[str, Blob]:
        """All files and submodules in a commit by path."""
        files: dict[str, Blob] = {}
        query = {"recursive": "true", "per_page": 1000}
        for found, more in self._api.pages(f"/repos/{owner}/{name}/git/trees/{sha}", _tree, query):
            files.update(found)
            if not more:
                break
        return files

    def branches(self, owner: str, name: str) -> dict[str, str]:
        """Commit ids by branch; empty if the repository is empty."""
        branches: dict[str, str] = {}
        for found in self._api.pages(f"/repos/{owner}/{name}/branches", _branches, {"limit": 50}):
            branches.update(found)
            if len(found) < 50:
                break
        return branches

    def push_mirrors(self, owner: str, name: str) -> list[PushMirror] | None:
        """All push mirrors of a repository; None if this token can't see the repository."""
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
        """Remove a push mirror by its ``remote_name``; it is no error if it is already gone."""
        self._api.request("DELETE", f"/repos/{owner}/{name}/push_mirrors/{quote(mirror)}", allow=(404,))

    def sync_push_mirrors(self, owner: str, name: str) -> bool:
        """Push all mirrors now, one after the other, and wait; returns whether all succeeded.

        If one failed, those after it were skipped, and its ``last_error`` says why.
        """
        path = f"/repos/{owner}/{name}/push_mirrors-sync"
        response = self._api.request("POST", path, timeout=self._mirror_timeout, allow=(500,))
        return response.status_code != 500

    def pull_request(self, owner: str, name: str, base: str, head: str) -> PullRequest | None:
        """The open pull request from ``head`` into ``base``; otherwise the newest merged one; otherwise None."""
        found = [pull for pull in self.pull_requests(owner, name) if (pull.branch, pull.base) == (head, base)]
        standing = [pull for pull in found if pull.state == "open"] or [pull for pull in found if pull.merged]
        return standing[0] if standing else None

    def create_pull_request(self, owner: str, name: str, *, base: str, head: str, title: str, body: str) -> None:
        """Open a pull request; it is no error if another run has already opened it."""
        data = {"base": base, "head": head, "title": title, "body": body}
        self._api.request("POST", f"/repos/{owner}/{name}/pulls", json=data, allow=(409,))

    def pull_requests(self, owner: str, name: str) -> list[PullRequest]:
        """All pull requests in any state, those that changed last first; at most 1000."""
        pulls: list[PullRequest] = []
        query = {"state": "all", "sort": "recentupdate", "limit": 50}
        for items in self._api.pages(f"/repos/{owner}/{name}/pulls", _pull_requests, query):
            pulls += items
            if len(items) < 50 or len(pulls) >= 1000:  # newest first: a thousand back is far enough
                break
        return pulls

    def access_tokens(self, user: str) -> list[AccessToken]:
        """All access tokens of a user. Raises ``PreflightError`` if this token is not allowed to list them."""
        tokens: list[AccessToken] = []
        for items in self._api.pages(f"/users/{quote(user)}/tokens", _access_tokens, {"limit": 50}):
            tokens += items
            if len(items) < 50:  # the server's own cap
                break
        return tokens

    def rights(self, owner: str, name: str) -> Rights | None:
        """What this token's user may do in a repository; None if the token can't see the repository."""
        return self._api.find("GET", f"/repos/{owner}/{name}", _rights)

    def branch_rules(self, owner: str, name: str) -> list[BranchRule] | None:
        """All rules on a repository's branches; None where this token may not list them, which takes an administrator.

        Limited tokens never count as an administrator's.
        """
        path = f"/repos/{owner}/{name}/branch_protections"
        return self._api.find("GET", path, _branch_rules, missing=(403, 404))

    def may_create(self, user: str, organisation: str) -> bool | None:
        """Whether a user may create repositories in an organisation; None if the organisation can't be seen."""
        path = f"/users/{quote(user)}/orgs/{quote(organisation)}/permissions"
        return self._api.find("GET", path, lambda data: flag(data["can_create_repository"]))

    def commits(
        self, owner: str, name: str, sha: str, *, without: str = "", path: str = "", limit: int = 50
    ) -> list[Commit]:
        """The newest commits of a branch, tag or commit, at most 50; those reachable from ``without`` are left out.

        ``path``: only commits that touched it.
        """
        query = {"sha": sha, "limit": limit, "stat": "false", "files": "false", "verification": "false"}
        query |= {key: value for key, value in (("not", without), ("path", path)) if value}
        nothing = (404, 409) if path else ()  # how the server says that no commit touched a path
        return self._api.find("GET", f"/repos/{owner}/{name}/commits", _commits, params=query, missing=nothing) or []

    def origins(self, owner: str, name: str, sha: str, path: str) -> list[Commit]:
        """The commits with which the history of a file in ``sha`` begins, where they begin all history.

        Of a long history the newest and the oldest part are looked at.
        """
        place = f"/repos/{owner}/{name}/commits"
        query = {"sha": sha, "path": path, "limit": 50, "stat": "false", "files": "false", "verification": "false"}
        response = self._api.request("GET", place, params=query, allow=(404, 409))
        if response.status_code in (404, 409):
            return []
        found = self._api.understood(response, _commits)
        total = response.headers.get("x-total-count", "")
        if found and total.isdecimal() and int(total) > len(found):
            last = -(-int(total) // len(found))  # a page is as long as the server wants, whatever limit says
            found += self._api.read("GET", place, _commits, params={**query, "page": last})
        return [commit for commit in found if not commit.parents]

    def references(self, owner: str, name: str) -> dict[str, str]:
        """The ids of all references by full name; for an annotated tag, the id of the tag object."""
        return self._api.find("GET", f"/repos/{owner}/{name}/git/refs", _references, missing=(404, 409)) or {}

    def activity(self, owner: str, name: str) -> Activity | None:
        """What people have added to a repository; None if it or its issues can't be seen.

        Raises ``PreflightError`` without the scope ``read:issue``.
        """
        found = self._api.find("GET", f"/repos/{owner}/{name}", _activity)
        if found is None:
            return None
        activity, wiki_known = found
        hooks = self._api.read("GET", f"/repos/{owner}/{name}/hooks", listed, params={"limit": 50})
        if not wiki_known:  # Forgejo before version 14
            pages = self._api.find("GET", f"/repos/{owner}/{name}/wiki/pages", listed)
            activity = replace(activity, wiki=bool(pages))
        query = {"state": "all", "limit": 1}
        issues = self._api.find("GET", f"/repos/{owner}/{name}/issues", listed, params=query)
        if issues is None and not activity.untracked:
            return None
        return replace(activity, webhooks=len(hooks), issues=activity.issues + len(issues or []))

    def issues(self, owner: str, name: str) -> list[Issue]:
        """The newest issues and pull requests in any state, at most 50; none where they are switched off."""
        query = {"state": "all", "limit": 50}
        return self._api.find("GET", f"/repos/{owner}/{name}/issues", _issues, params=query) or []

    def set_archived(self, owner: str, name: str, *, archived: bool, description: str) -> None:
        """Archive or unarchive a repository, and set its description. An archived repository rejects pushes."""
        body = {"archived": archived, "description": description}
        self._api.request("PATCH", f"/repos/{owner}/{name}", json=body)

    def delete_repository(self, owner: str, name: str) -> None:
        """Delete a repository for good; it is no error if it is already gone."""
        self._api.request("DELETE", f"/repos/{owner}/{name}", allow=(404,))

    def open_pull_requests(self, owner: str, name: str) -> list[PullRequest]:
        """All open pull requests; empty if the repository is empty or has no pull requests."""
        pulls: list[PullRequest] = []
        path, query = f"/repos/{owner}/{name}/pulls", {"state": "open", "limit": 50}
        for items in self._api.pages(path, _pull_requests, query, missing=(404,)):
            pulls += items
            if len(items) < 50:  # the server's own cap
                break
        return pulls

    def newest_pull_request(self, owner: str, name: str, base: str, head: str) -> PullRequest | None:
        """The newest pull request from ``head`` into ``base``, in any state; None if there is none.

        Of several, the server gives any for two branches, in fact the oldest; only one of them can be open.
        """
        path = f"/repos/{owner}/{name}/pulls/{quote(base, safe='')}/{quote(head)}"
        one = self._api.find("GET", path, _pull_request)
        if one is None or one.state == "open":
            return one
        several = [pull for pull in self.pull_requests(owner, name) if (pull.branch, pull.base) == (head, base)]
        return max(several, key=lambda pull: pull.number, default=one)

    def edit_pull_request(
        self, owner: str, name: str, number: int, *, title: str, body: str, close: bool = False
    ) -> None:
        """Change the title and text of a pull request; ``close`` also closes it without merging."""
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
        fork=bool(data.get("fork")),
        mirror=bool(data.get("mirror")),
    )


def _rights(data: Any) -> Rights:
    return Rights(push=flag(data["permissions"]["push"]), archived=flag(data["archived"]))


def _branch_rules(data: Any) -> list[BranchRule]:
    return [_branch_rule(item) for item in listed(data)]


def _branch_rule(data: Any) -> BranchRule:
    named, teams = (listed(data.get(f"push_whitelist_{kind}"), null=True) for kind in ("usernames", "teams"))
    limited = bool(data.get("enable_push_whitelist"))
    return BranchRule(
        name=text(data.get("rule_name") or data["branch_name"]),
        push=flag(data["enable_push"]),
        allowed=frozenset(map(text, named)) if limited else None,
        teams=frozenset(map(text, teams)),
        signed=bool(data.get("require_signed_commits")),
        protected_files=data.get("protected_file_patterns") or "",
        unprotected_files=data.get("unprotected_file_patterns") or "",
        created=data.get("created_at") or "",
    )


def _tree(data: Any) -> tuple[dict[str, Blob], bool]:
    """Files and submodules by path, and whether there are more; the answer for a commit without any may be null."""
    items = listed(data["tree"], null=True)
    files = {
        text(item["path"]): Blob(
            text(item["sha"]), *(text(item["mode"]) == mode for mode in (EXECUTABLE, LINK, SUBMODULE))
        )
        for item in items
        if item["type"] != "tree"
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
        merge_commit=data.get("merge_commit_sha") or "",
        merged_at=data.get("merged_at") or "",
    )


def _issues(data: Any) -> list[Issue]:
    return [Issue(number(item["number"]), number(item["comments"])) for item in listed(data)]


def _commits(data: Any) -> list[Commit]:
    return [_commit(item) for item in listed(data)]


def _commit(data: Any) -> Commit:
    parents = tuple(text(parent["sha"]) for parent in listed(data["parents"]))
    return Commit(text(data["sha"]), parents, str(data["commit"]["message"]))


def _activity(data: Any) -> tuple[Activity, bool]:
    """Everything but the webhooks, and whether the answer reports the wiki."""
    activity = Activity(
        issues=number(data["open_issues_count"]) + number(data["open_pr_counter"]),
        untracked=not flag(data["has_issues"]) or bool(data.get("external_tracker")),
        releases=number(data["release_counter"]),
        forks=number(data["forks_count"]),
        wiki=flag(data.get("has_wiki_contents", False)),
        webhooks=0,
    )
    return activity, "has_wiki_contents" in data
