"""Forgejo's JSON: state in, the documented objects out."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from generator.sandbox.forgejo.rules import first_match
from generator.sandbox.forgejo.state import Issue, PullRequest, PushMirror, Repository, Token
from generator.sandbox.repositories import Commit, Entry

JsonObject = dict[str, Any]
_NEVER = "0001-01-01T00:00:00Z"


class Views:
    """Objects as Forgejo shows them, with URLs of this sandbox."""

    def __init__(self, web: str) -> None:
        self.web = web
        self.api = f"{web}/api/v1"

    def user(self, login: str, number: int) -> JsonObject:
        """A user."""
        return {
            "id": number,
            "login": login,
            "login_name": "",
            "source_id": 0,
            "full_name": "",
            "email": f"{login}@noreply.sandbox.test",
            "avatar_url": f"{self.web}/avatars/{login}",
            "html_url": f"{self.web}/{login}",
            "language": "en-US",
            "is_admin": False,
            "last_login": _NEVER,
            "created": "2024-01-01T00:00:00Z",
            "restricted": False,
            "active": True,
            "prohibit_login": False,
            **dict.fromkeys(("location", "pronouns", "website", "description"), ""),
            "visibility": "public",
            **dict.fromkeys(("followers_count", "following_count", "starred_repos_count"), 0),
        }

    def token(self, token: Token) -> JsonObject:
        """An access token: its scopes and last eight characters, never the rest."""
        return {
            "id": token.id,
            "name": token.name,
            "sha1": "",
            "token_last_eight": token.value[-8:],
            "scopes": sorted(token.scopes),
            "created_at": "2026-01-01T00:00:00Z",
            "repositories": _reached(token),
        }

    def repository(
        self, repository: Repository, owner_id: int, rights: JsonObject, visibility: str = "public"
    ) -> JsonObject:
        """A repository; ``visibility`` is its owner's."""
        full_name = repository.full_name
        html = f"{self.web}/{full_name}"
        return {
            "id": repository.id,
            "owner": self.user(repository.owner, owner_id) | {"visibility": visibility},
            "name": repository.name,
            "full_name": full_name,
            "description": repository.description,
            "empty": repository.empty,
            "private": repository.private,
            "fork": repository.fork,
            "template": False,
            "parent": None,
            "mirror": repository.pulled,
            "size": 25,
            "language": "",
            "languages_url": f"{self.api}/repos/{full_name}/languages",
            "html_url": html,
            "url": f"{self.api}/repos/{full_name}",
            "link": "",
            "ssh_url": f"ssh://git@{urlsplit(self.web).hostname}/{full_name}.git",
            "clone_url": f"{html}.git",
            "original_url": "",
            "website": repository.website,
            **dict.fromkeys(("stars_count", "forks_count", "release_counter"), 0),
            "open_issues_count": sum(issue.state == "open" for issue in repository.issues.values()),
            "watchers_count": 1,
            "open_pr_counter": sum(pull.state == "open" for pull in repository.pulls.values()),
            "default_branch": repository.default_branch,
            "archived": repository.archived,
            "created_at": repository.created,
            "updated_at": repository.updated,
            "archived_at": repository.updated if repository.archived else "1970-01-01T00:00:00Z",
            "permissions": rights,
            **dict.fromkeys(("has_issues", "has_wiki", "has_pull_requests", "has_projects"), True),
            **dict.fromkeys(("has_releases", "has_packages", "has_actions"), True),
            "globally_editable_wiki": False,
            "has_wiki_contents": bool(repository.counters.get("has_wiki_contents")),
            "wiki_branch": "main",
            "internal": not repository.private and visibility == "private",
            "internal_tracker": {
                "enable_time_tracker": True,
                "allow_only_contributors_to_track_time": True,
                "enable_issue_dependencies": True,
            },
            "ignore_whitespace_conflicts": False,
            **dict.fromkeys(("allow_merge_commits", "allow_rebase", "allow_rebase_explicit"), True),
            **dict.fromkeys(("allow_squash_merge", "allow_fast_forward_only_merge", "allow_rebase_update"), True),
            "default_delete_branch_after_merge": False,
            "default_merge_style": "merge",
            "default_update_style": "merge",
            "default_allow_maintainer_edit": False,
            "avatar_url": "",
            "mirror_interval": "",
            "mirror_updated": _NEVER,
            "object_format_name": "sha1",
            "repo_transfer": None,
            "topics": list(repository.topics),
            **repository.counters,
        }

    def issue(self, issue: Issue | PullRequest, repository: Repository, user: JsonObject) -> JsonObject:
        """An issue, or a pull request as one of them."""
        pull = issue if isinstance(issue, PullRequest) else None
        html = f"{self.web}/{repository.full_name}/{'pulls' if pull else 'issues'}/{issue.number}"
        return {
            "id": 7000 + issue.number,
            "url": f"{self.api}/repos/{repository.full_name}/issues/{issue.number}",
            "html_url": html,
            "number": issue.number,
            "user": user,
            "title": issue.title,
            "body": "",
            "state": issue.state,
            "labels": [],
            "assets": [],
            **dict.fromkeys(("milestone", "assignee", "assignees", "due_date"), None),
            "is_locked": False,
            **dict.fromkeys(("comments", "pin_order", "original_author_id"), 0),
            **dict.fromkeys(("original_author", "ref"), ""),
            "created_at": issue.created,
            "updated_at": issue.created,
            "closed_at": None if issue.state == "open" else issue.created,
            "pull_request": {"merged": pull.merged is not None, "html_url": html} if pull else None,
            "repository": {"id": repository.id, "name": repository.name, "owner": repository.owner},
        }

    def mirror(self, repository: Repository, mirror: PushMirror) -> JsonObject:
        """A push mirror; never its credentials."""
        return {
            "repo_name": repository.name,
            "remote_name": mirror.remote_name,
            "remote_address": mirror.remote_address,
            "created": mirror.created,
            "last_update": mirror.last_update,
            "last_error": mirror.last_error,
            "interval": mirror.interval,
            "sync_on_commit": mirror.sync_on_commit,
            "public_key": "",
            "branch_filter": mirror.branch_filter,
        }

    def branch(self, repository: Repository, name: str, commit: Commit, user: str = "") -> JsonObject:
        """A branch, and what its rule lets a user do who administers the repository."""
        rule = first_match(repository.rules, name)
        return {
            "name": name,
            "commit": {
                "id": commit.sha,
                "message": commit.message + "\n",
                "url": f"{self.web}/{repository.full_name}/commit/{commit.sha}",
                "author": {"name": commit.author_name, "email": commit.author_email, "username": ""},
                "committer": {"name": commit.committer_name, "email": commit.committer_email, "username": ""},
                "verification": _unverified(),
                "timestamp": commit.committed,
                **dict.fromkeys(("added", "removed", "modified")),
            },
            "protected": rule is not None,
            "required_approvals": 0,
            "enable_status_check": False,
            "status_check_contexts": [],
            "user_can_push": rule is None or rule.lets_push(user),
            "user_can_merge": True,
            "effective_branch_protection_name": rule.rule_name if rule else "",
        }

    def commit(self, repository: Repository, commit: Commit, *, verified: bool = True) -> JsonObject:
        """A commit; its verification is only there when asked for."""
        api = f"{self.api}/repos/{repository.full_name}/git"
        return {
            "url": f"{api}/commits/{commit.sha}",
            "sha": commit.sha,
            "created": commit.committed,
            "html_url": f"{self.web}/{repository.full_name}/commit/{commit.sha}",
            "commit": {
                "url": f"{api}/commits/{commit.sha}",
                "author": {"name": commit.author_name, "email": commit.author_email, "date": commit.authored},
                "committer": {
                    "name": commit.committer_name,
                    "email": commit.committer_email,
                    "date": commit.committed,
                },
                "message": commit.message + "\n",
                "tree": {"url": f"{api}/trees/{commit.tree}", "sha": commit.tree, "created": commit.committed},
                "verification": _unverified() if verified else None,
            },
            "author": None,
            "committer": None,
            "parents": [{"url": f"{api}/commits/{sha}", "sha": sha, "created": _NEVER} for sha in commit.parents],
            "files": None,
            "stats": None,
        }

    def content(
        self, repository: Repository, entry: Entry, ref: str, last: Commit, body: bytes | None = None
    ) -> JsonObject:
        """An entry of a directory, or with a body a file."""
        api = f"{self.api}/repos/{repository.full_name}"
        kind = {"tree": "dir", "commit": "submodule"}.get(entry.kind, "file")
        url = f"{api}/contents/{entry.path}?ref={ref}"
        git = f"{api}/git/{'trees' if kind == 'dir' else 'blobs'}/{entry.sha}"
        html = f"{self.web}/{repository.full_name}/src/branch/{ref}/{entry.path}"
        raw = f"{self.web}/{repository.full_name}/raw/branch/{ref}/{entry.path}"
        return {
            "name": entry.path.rpartition("/")[2],
            "path": entry.path,
            "sha": entry.sha,
            "last_commit_sha": last.sha,
            "last_commit_when": last.committed,
            "type": kind,
            "size": entry.size,
            "encoding": None if body is None else "base64",
            "content": None if body is None else base64.b64encode(body).decode(),
            "target": None,
            "url": url,
            "html_url": html,
            "git_url": git,
            "download_url": None if kind == "dir" else raw,
            "submodule_git_url": None,
            "_links": {"self": url, "git": git, "html": html},
        }

    def pull(self, pull: PullRequest, repository: JsonObject, user: JsonObject, facts: JsonObject) -> JsonObject:
        """A pull request; ``facts`` are what only git knows: merge_base, mergeable, changed_files."""
        html = f"{repository['html_url']}/pulls/{pull.number}"
        merged = pull.merged is not None
        return {
            "id": 9000 + pull.number,
            "url": html,
            "number": pull.number,
            "user": user,
            "title": pull.title,
            "body": pull.body,
            "labels": [],
            "milestone": None,
            "assignee": None,
            "assignees": None,
            "requested_reviewers": [],
            "requested_reviewers_teams": [],
            "state": pull.state,
            "draft": False,
            "is_locked": False,
            **dict.fromkeys(("comments", "review_comments", "additions", "deletions", "pin_order", "flow"), 0),
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "merged": merged,
            "merged_at": pull.merged,
            "merge_commit_sha": pull.merge_commit,
            "merged_by": user if merged else None,
            "allow_maintainer_edit": False,
            "base": _side(pull.base, pull.base_sha, repository),
            "head": _side(pull.head, pull.head_sha, repository),
            "due_date": None,
            "created_at": pull.created,
            "updated_at": pull.updated,
            "closed_at": pull.closed,
            **facts,
        }


def _reached(token: Token) -> list[JsonObject] | None:
    if token.repositories is None:
        return None
    return [
        {"id": 0, "name": name, "owner": token.user, "full_name": f"{token.user}/{name}"} for name in token.repositories
    ]


def _side(branch: str, sha: str, repository: JsonObject) -> JsonObject:
    return {"label": branch, "ref": branch, "sha": sha, "repo_id": repository["id"], "repo": repository}


def _unverified() -> JsonObject:
    return {"verified": False, "reason": "gpg.error.not_signed_commit", "signature": "", "signer": None, "payload": ""}
