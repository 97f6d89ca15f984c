"""What the sandbox's GitHub holds: people, tokens and repositories."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from generator.sandbox.names import Names
from generator.sandbox.numbers import Numbers
from generator.sandbox.repositories import BareRepository

DEFAULT_SCOPES = frozenset({"repo", "workflow", "delete_repo", "write:packages", "read:packages"})
FIRST_BRANCH = "main"


def now() -> str:
    """The time as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Token:
    """A personal access token: whose, and what it may do. A fine-grained one never tells its scopes.

    ``refused`` are permissions that a fine-grained token lacks, as GitHub writes them: ``secrets=read``.
    """

    user: str
    scopes: set[str] = field(default_factory=lambda: set(DEFAULT_SCOPES))
    fine_grained: bool = False
    refused: set[str] = field(default_factory=set)


@dataclass
class Secret:
    """A stored Actions secret: what was sent, never shown again."""

    sealed: bytes
    created_at: str
    updated_at: str


@dataclass(frozen=True)
class Issue:
    """An issue, or a pull request, which GitHub counts as one."""

    number: int
    title: str
    user: str
    state: str = "open"
    pull: bool = False
    created_at: str = field(default_factory=now)


@dataclass(frozen=True)
class Release:
    """A release; only those who may push see a draft."""

    id: int
    tag: str
    user: str
    draft: bool = False
    created_at: str = field(default_factory=now)


@dataclass
class Repository:
    """One repository. ``internal``: a private one that its whole enterprise sees; ``objects``: those of LFS."""

    id: int
    owner: str
    name: str
    bare: BareRepository
    private: bool
    description: str | None = None
    homepage: str | None = None
    archived: bool = False
    default_branch: str = FIRST_BRANCH
    created_at: str = field(default_factory=now)
    pushed_at: str = field(default_factory=now)
    topics: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    actions_enabled: bool = True
    runs: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    private_key: PrivateKey = field(default_factory=PrivateKey.generate, repr=False)
    internal: bool = False
    fork: bool = False

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner}/{self.name}"

    @property
    def empty(self) -> bool:
        """Whether nothing was ever pushed."""
        return not self.bare.heads()

    @property
    def key_id(self) -> str:
        """The identifier of the key that secrets are sealed with."""
        return str(568250167242549743 + self.id)

    @property
    def public_key(self) -> str:
        """The key that secrets are sealed with, in base64."""
        return base64.b64encode(bytes(self.private_key.public_key)).decode()

    def open(self, sealed: bytes) -> bytes | None:
        """The content of a sealed box; None when it was not sealed for this repository."""
        try:
            return SealedBox(self.private_key).decrypt(sealed)
        except (CryptoError, ValueError, TypeError):
            return None


class State(Names[Repository]):
    """The whole state of the sandbox's GitHub, with settings and helpers for tests."""

    def __init__(self, root: Path, owner: str, token: str) -> None:
        self.root = root
        self.users: dict[str, int] = {owner: 9000001, "octocat": 583231}
        self.tokens: dict[str, Token] = {token: Token(owner)}
        self.repositories: dict[str, Repository] = {}
        # Earlier names of repositories, in lower case, which lead to them until somebody takes a name.
        self.redirects: dict[str, Repository] = {}
        # Whether the plan has private repositories.
        self.private_repositories = True
        self.ids = Numbers(700000101, 17)
        self.hook_ids = Numbers(500000001)

    def create_repository(
        self,
        owner: str,
        name: str,
        *,
        private: bool = True,
        description: str | None = None,
        files: Mapping[str, str] | None = None,
        branch: str = FIRST_BRANCH,
    ) -> Repository:
        """A repository made behind the API's back, with a first commit when files are given."""
        self.users.setdefault(owner, 20_000_000 + len(self.users))
        path = self.root / owner / f"{name}.git"
        bare = BareRepository.create(path, FIRST_BRANCH)
        created = Repository(next(self.ids), owner, name, bare, private, description)
        if files:
            bare.commit_files(branch, files, "first commit", int(datetime.now(UTC).timestamp()))
        self.repositories[created.full_name.lower()] = created
        return created

    def secret(self, owner_repo: str, name: str) -> str:
        """The plain text of a stored Actions secret. Raises KeyError if it does not exist."""
        repository = self.repository(owner_repo)
        opened = repository.open(repository.secrets[name.upper()].sealed)
        if opened is None:
            raise KeyError(name)
        return opened.decode()
