"""GitHub's JSON: state in, the documented objects out."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from generator.sandbox.github.state import Issue, Release, Repository, Secret
from generator.sandbox.repositories import Commit, Entry

JsonObject = dict[str, Any]

_REPOSITORY_URLS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_USER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
# The answers of a fresh repository to questions that nobody here asks.
_DEFAULT_SETTINGS: JsonObject = {
    "has_issues": True,
    "has_projects": True,
    "has_wiki": True,
    "has_downloads": True,
    "has_discussions": False,
    "has_pages": False,
    "is_template": False,
    "allow_squash_merge": True,
    "allow_merge_commit": True,
    "allow_rebase_merge": True,
    "allow_auto_merge": False,
    "delete_branch_on_merge": False,
    "allow_update_branch": False,
    "allow_forking": True,
    "web_commit_signoff_required": False,
}
SETTINGS = frozenset(_DEFAULT_SETTINGS)


class Views:
    """Objects as GitHub shows them, with URLs of this sandbox."""

    def __init__(self, web: str) -> None:
        self.web = web
        self.api = f"{web}/api/v3"

    def user(self, login: str, number: int) -> JsonObject:
        """A simple user."""
        url = f"{self.api}/users/{login}"
        return {
            "login": login,
            "id": number,
            "node_id": node_id("User", login),
            "avatar_url": f"{self.web}/avatars/u/{number}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.web}/{login}",
            **{key: url + tail for key, tail in _USER_URLS.items()},
            "type": "User",
            "user_view_type": "public",
            "site_admin": False,
        }

    def profile(self, login: str, number: int, repositories: int) -> JsonObject:
        """A public user."""
        names = ("company", "location", "email", "hireable", "bio", "twitter_username")
        return self.user(login, number) | {
            "name": login,
            "blog": "",
            **dict.fromkeys(names),
            "public_repos": repositories,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": "2014-01-01T00:00:00Z",
            "updated_at": "2026-06-01T00:00:00Z",
        }

    def me(self, login: str, number: int, public: int, private: int) -> JsonObject:
        """The authenticated user."""
        return self.profile(login, number, public) | {
            "user_view_type": "private",
            "private_gists": 0,
            "total_private_repos": private,
            "owned_private_repos": private,
            "disk_usage": 1,
            "collaborators": 0,
            "two_factor_authentication": True,
            "plan": {"name": "pro", "space": 976562499, "private_repos": 9999, "collaborators": 0},
        }

    def repository(self, repository: Repository, owner_id: int, *, mine: bool = True) -> JsonObject:
        """A repository in a list; ``mine``: the caller administers it, else may only read it."""
        full_name = repository.full_name
        url = f"{self.api}/repos/{full_name}"
        return {
            "id": repository.id,
            "node_id": node_id("Repository", full_name),
            "name": repository.name,
            "full_name": full_name,
            "private": repository.private,
            "owner": self.user(repository.owner, owner_id),
            "html_url": f"{self.web}/{full_name}",
            "description": repository.description,
            "fork": repository.fork,
            "url": url,
            **{key: url + tail for key, tail in _REPOSITORY_URLS.items()},
            "git_url": f"git://localhost/{full_name}.git",
            "ssh_url": f"git@localhost:{full_name}.git",
            "clone_url": f"{self.web}/{full_name}.git",
            "svn_url": f"{self.web}/{full_name}",
            "mirror_url": None,
            "homepage": repository.homepage,
            "language": None,
            **dict.fromkeys(("forks_count", "stargazers_count", "watchers_count"), 0),
            **dict.fromkeys(("open_issues_count", "open_issues"), sum(i.state == "open" for i in repository.issues)),
            **dict.fromkeys(("forks", "watchers", "size"), 0),
            "default_branch": repository.default_branch,
            "topics": list(repository.topics),
            **_DEFAULT_SETTINGS,
            **repository.settings,
            "archived": repository.archived,
            "disabled": False,
            "visibility": _visibility(repository),
            "license": None,
            "created_at": repository.created_at,
            "updated_at": repository.pushed_at,
            "pushed_at": repository.pushed_at,
            "permissions": dict.fromkeys(("admin", "maintain", "push", "triage"), mine) | {"pull": True},
        }

    def full_repository(self, repository: Repository, owner_id: int, *, mine: bool = True) -> JsonObject:
        """A repository on its own; ``mine`` as in a list."""
        return self.repository(repository, owner_id, mine=mine) | {
            "temp_clone_token": "",
            "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
            "squash_merge_commit_message": "COMMIT_MESSAGES",
            "merge_commit_title": "MERGE_MESSAGE",
            "merge_commit_message": "PR_TITLE",
            "subscribers_count": 1,
            "network_count": 0,
        }

    def commit(self, repository: Repository, commit: Commit) -> JsonObject:
        """A commit."""
        repository_url = f"{self.api}/repos/{repository.full_name}"
        url = f"{repository_url}/commits/{commit.sha}"
        return {
            "url": url,
            "sha": commit.sha,
            "node_id": node_id("Commit", commit.sha),
            "html_url": f"{self.web}/{repository.full_name}/commit/{commit.sha}",
            "comments_url": f"{url}/comments",
            "commit": {
                "url": f"{repository_url}/git/commits/{commit.sha}",
                "author": {"name": commit.author_name, "email": commit.author_email, "date": commit.authored},
                "committer": {
                    "name": commit.committer_name,
                    "email": commit.committer_email,
                    "date": commit.committed,
                },
                "message": commit.message,
                "comment_count": 0,
                "tree": {"sha": commit.tree, "url": f"{repository_url}/git/trees/{commit.tree}"},
            },
            "author": None,
            "committer": None,
            "parents": [{"sha": sha, "url": f"{repository_url}/commits/{sha}"} for sha in commit.parents],
        }

    def short_branch(self, repository: Repository, name: str, sha: str) -> JsonObject:
        """A branch in a list."""
        url = f"{self.api}/repos/{repository.full_name}/commits/{sha}"
        return {"name": name, "commit": {"sha": sha, "url": url}, "protected": False}

    def branch(self, repository: Repository, name: str, commit: Commit) -> JsonObject:
        """A branch on its own."""
        url = f"{self.api}/repos/{repository.full_name}/branches/{name}"
        return {
            "name": name,
            "commit": self.commit(repository, commit),
            "_links": {"self": url, "html": f"{self.web}/{repository.full_name}/tree/{name}"},
            "protected": False,
            "protection": {"enabled": False},
            "protection_url": f"{url}/protection",
        }

    def reference(self, repository: Repository, name: str, sha: str) -> JsonObject:
        """A git reference; ``name`` is full."""
        url = f"{self.api}/repos/{repository.full_name}/git"
        kind = "commit" if repository.bare.resolve(sha) == sha else "tag"
        return {
            "ref": name,
            "node_id": node_id("Ref", f"{repository.full_name}:{name}"),
            "url": f"{url}/{name}",
            "object": {"type": kind, "sha": sha, "url": f"{url}/{kind}s/{sha}"},
        }

    def content(self, repository: Repository, entry: Entry, ref: str, body: bytes | None = None) -> JsonObject:
        """An entry of a directory, or with a body a file."""
        api = f"{self.api}/repos/{repository.full_name}"
        url = f"{api}/contents/{entry.path}?ref={ref}"
        kind = {"tree": "dir", "commit": "submodule"}.get(entry.kind, "file")
        html = f"{self.web}/{repository.full_name}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{entry.path}"
        git = f"{api}/git/{'trees' if kind == 'dir' else 'blobs'}/{entry.sha}"
        shown: JsonObject = {
            "type": kind,
            "size": entry.size,
            "name": entry.path.rpartition("/")[2],
            "path": entry.path,
            "sha": entry.sha,
            "url": url,
            "git_url": git,
            "html_url": html,
            "download_url": None if kind == "dir" else f"{self.web}/raw/{repository.full_name}/{ref}/{entry.path}",
            "_links": {"self": url, "git": git, "html": html},
        }
        if body is not None:
            shown |= {"encoding": "base64", "content": base64.encodebytes(body).decode()}
        return shown

    def issue(self, repository: Repository, issue: Issue, user: JsonObject) -> JsonObject:
        """An issue, or a pull request as one of them."""
        kind = "pull" if issue.pull else "issues"
        url = f"{self.api}/repos/{repository.full_name}/issues/{issue.number}"
        html = f"{self.web}/{repository.full_name}/{kind}/{issue.number}"
        shown: JsonObject = {
            "id": repository.id * 1000 + issue.number,
            "node_id": node_id("Issue", html),
            "url": url,
            "repository_url": f"{self.api}/repos/{repository.full_name}",
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": html,
            "number": issue.number,
            "state": issue.state,
            "title": issue.title,
            "body": None,
            "user": user,
            "labels": [],
            **dict.fromkeys(("assignee", "milestone", "closed_at", "active_lock_reason")),
            "locked": False,
            "comments": 0,
            "author_association": "OWNER",
            "created_at": issue.created_at,
            "updated_at": issue.created_at,
        }
        return shown | ({"pull_request": {"html_url": html}} if issue.pull else {})

    def release(self, repository: Repository, release: Release, author: JsonObject) -> JsonObject:
        """A release."""
        url = f"{self.api}/repos/{repository.full_name}/releases/{release.id}"
        return {
            "id": release.id,
            "node_id": node_id("Release", url),
            "url": url,
            "assets_url": f"{url}/assets",
            "upload_url": f"{url}/assets{{?name,label}}",
            "html_url": f"{self.web}/{repository.full_name}/releases/tag/{release.tag}",
            "tag_name": release.tag,
            "target_commitish": repository.default_branch,
            **dict.fromkeys(("name", "body", "tarball_url", "zipball_url")),
            "draft": release.draft,
            "prerelease": False,
            "created_at": release.created_at,
            "published_at": None if release.draft else release.created_at,
            "author": author,
            "assets": [],
        }

    def hook(self, repository: Repository, hook: JsonObject) -> JsonObject:
        """A webhook."""
        url = f"{self.api}/repos/{repository.full_name}/hooks/{hook['id']}"
        return {
            "type": "Repository",
            "name": "web",
            "active": True,
            **hook,
            "url": url,
            "test_url": f"{url}/test",
            "ping_url": f"{url}/pings",
            "deliveries_url": f"{url}/deliveries",
            "last_response": {"code": None, "status": "unused", "message": None},
        }


def secret(name: str, stored: Secret) -> JsonObject:
    """An Actions secret: everything but its value."""
    return {"name": name, "created_at": stored.created_at, "updated_at": stored.updated_at}


def node_id(kind: str, name: str) -> str:
    """An opaque global identifier."""
    return f"{kind[0]}_{hashlib.sha256(f'{kind}:{name}'.encode()).hexdigest()[:20]}"


def _visibility(repository: Repository) -> str:
    if not repository.private:
        return "public"
    return "internal" if repository.internal else "private"
