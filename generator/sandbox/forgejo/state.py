"""What the sandbox's Forgejo holds: people, tokens, repositories, mirrors and pull requests."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from generator.sandbox.forgejo.rules import Rule
from generator.sandbox.names import Names
from generator.sandbox.numbers import Numbers
from generator.sandbox.repositories import BareRepository

OWNER_SCOPES = frozenset({"write:user", "write:repository", "write:organization", "read:issue"})
GIT_SCOPES = frozenset({"write:repository"})
EPOCH = "1970-01-01T00:00:00Z"


def now() -> str:
    """The time as Forgejo writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Token:
    """An access token: whose, called what, and what it may do."""

    id: int
    value: str = field(repr=False)
    user: str
    name: str
    scopes: set[str]
    repositories: list[str] | None = None
    """Names of the only repositories that it reaches; None where it reaches all of them."""

    @property
    def limited(self) -> bool:
        """Whether it is limited: since version 15, such a token never counts as an administrator's."""
        return self.repositories is not None or "public-only" in self.scopes

    def grants(self, scope: str) -> bool:
        """Whether it has a scope; writing implies reading."""
        held = {scope, "all", scope.replace("read:", "write:", 1)}
        return bool(held & self.scopes)


@dataclass
class PushMirror:
    """A push mirror of one repository."""

    remote_address: str
    interval: str
    sync_on_commit: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    branch_filter: str = ""
    remote_name: str = field(default_factory=lambda: f"remote_mirror_{secrets.token_urlsafe(8)[:10]}")
    created: str = field(default_factory=now)
    last_update: str = EPOCH
    last_error: str = ""


@dataclass
class PullRequest:
    """A pull request within one repository."""

    number: int
    title: str
    body: str
    base: str
    head: str
    user: str
    head_sha: str
    base_sha: str
    state: str = "open"
    created: str = field(default_factory=now)
    updated: str = field(default_factory=now)
    closed: str | None = None
    merged: str | None = None
    merge_commit: str | None = None


@dataclass
class Issue:
    """An issue within one repository; its number is of the same row as those of pull requests."""

    number: int
    title: str
    user: str
    state: str = "open"
    created: str = field(default_factory=now)


@dataclass
class Repository:
    """One repository."""

    id: int
    owner: str
    name: str
    bare: BareRepository
    private: bool
    default_branch: str
    description: str = ""
    website: str = ""
    archived: bool = False
    empty: bool = True
    created: str = field(default_factory=now)
    updated: str = field(default_factory=now)
    topics: list[str] = field(default_factory=list)
    mirrors: list[PushMirror] = field(default_factory=list)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    counters: dict[str, Any] = field(default_factory=dict)
    fork: bool = False
    pulled: bool = False
    """Whether Forgejo pulls it from elsewhere."""
    rules: list[Rule] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    """Users who may write but don't administer it, whatever else they own."""

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner}/{self.name}"

    def refresh(self, pushed: Mapping[str, str]) -> None:
        """Follow a push (branches and commits): the first one decides the default branch, main or master first."""
        self.updated = now()
        if self.empty and pushed:
            ordered = [name for name in ("main", "master") if name in pushed] or sorted(pushed)
            if self.default_branch not in pushed:
                self.set_default_branch(ordered[0])
        self.empty = not self.bare.heads()

    def rename_branch(self, old: str, new: str) -> None:
        """Give a branch another name; the default branch and open pull requests follow it."""
        self.bare.rename_branch(old, new)
        if self.default_branch == old:
            self.default_branch = new
        for pull in self.pulls.values():
            if pull.state == "open":
                pull.base = new if pull.base == old else pull.base
                pull.head = new if pull.head == old else pull.head

    def set_default_branch(self, branch: str) -> None:
        """Name another default branch."""
        self.default_branch = branch
        self.bare.set_head(branch)


class State(Names[Repository]):
    """The whole state of the sandbox's Forgejo, with settings and helpers for tests."""

    def __init__(self, root: Path, owner: str, token: str, git_token: str) -> None:
        self.root = root
        self.users: dict[str, int] = {owner: 1}
        self.tokens: dict[str, Token] = {}
        self.repositories: dict[str, Repository] = {}
        # Earlier names of repositories, in lower case, which lead to them until somebody takes a name.
        self.redirects: dict[str, Repository] = {}
        # Members of organisations by login, and whether they may create repositories there.
        self.organisations: dict[str, dict[str, bool]] = {}
        # Owners that are not public: limited (signed-in users) or private (members), by name.
        self.visibilities: dict[str, str] = {}
        # FORCE_PRIVATE of the real server: whatever is asked, a new repository is private and none is opened.
        self.force_private = False
        # Keys whose signatures count as verified, as lines of git's allowed signers.
        self.signers = ""
        self.token_ids = Numbers(1)
        self.ids = Numbers(41)
        self.pull_ids = Numbers(301)
        self.add_token(token, owner, "newservice", set(OWNER_SCOPES))
        self.add_token(git_token, owner, "ci", set(GIT_SCOPES))

    def add_token(self, value: str, user: str, name: str, scopes: set[str]) -> Token:
        """Let a token in."""
        self.users.setdefault(user, len(self.users) + 1)
        self.tokens[value] = Token(next(self.token_ids), value, user, name, scopes)
        return self.tokens[value]

    def create_repository(
        self,
        owner: str,
        name: str,
        *,
        private: bool = True,
        description: str = "",
        files: Mapping[str, str] | None = None,
        branch: str = "main",
    ) -> Repository:
        """A repository made behind the API's back, with a first commit when files are given."""
        self.users.setdefault(owner, len(self.users) + 1)
        bare = BareRepository.create(self.root / owner / f"{name}.git", branch)
        created = Repository(next(self.ids), owner, name, bare, private, branch, description)
        if files:
            bare.commit_files(branch, files, "first commit", int(datetime.now(UTC).timestamp()))
            created.refresh(bare.heads())
        self.repositories[created.full_name.lower()] = created
        return created
