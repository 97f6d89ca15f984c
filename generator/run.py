"""One run for one service: a project, the systems it goes into, and what was seen of them in this pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from generator.allocations import Holding
from generator.answers import Answers
from generator.changes import recorded_answers
from generator.clients.forgejo import Forgejo, PullRequest, Repository
from generator.clients.git import Remote
from generator.clients.git import Repository as Clone
from generator.clients.github import GitHub, Mirror
from generator.clients.vault import Vault
from generator.clients.woodpecker import Registration as Registered
from generator.clients.woodpecker import Woodpecker
from generator.credentials import Credential
from generator.platform import Platform
from generator.project import InfraState, Project
from generator.secret import Secret
from generator.trees import Commit, Listing, RemoteCommit

BRANCH_PREFIX = "newservice/"
"""What the branches of the infra repository that newservice makes begin with."""

Client = TypeVar("Client")
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Systems:
    """Clients of the outside systems; ``vault`` is there only where the service needs it."""

    forgejo: Forgejo
    github: GitHub | None = None
    woodpecker: Woodpecker | None = None
    vault: Vault | None = None

    def close(self) -> None:
        """Close all connections."""
        for client in (self.forgejo, self.github, self.woodpecker, self.vault):
            if client is not None:
                client.close()


@dataclass(frozen=True)
class Stacks:
    """Stacks of a commit of the infra repository: all of them, or one folder."""

    sha: str
    folder: str = ""


@dataclass
class Run:
    """A project on its way into the systems."""

    project: Project
    systems: Systems
    credentials: Mapping[str, Credential]
    infra: Clone
    seeds: Mapping[str, Secret] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda _: None
    _states: dict[tuple[str, tuple[Stacks, ...]], InfraState] = field(default_factory=dict)
    _surveys: dict[Stacks, list[Holding]] = field(default_factory=dict)
    _seen: dict[str, Any] = field(default_factory=dict)

    @property
    def platform(self) -> Platform:
        """The profile in force."""
        return self.project.platform

    @property
    def answers(self) -> Answers:
        """The answers."""
        return self.project.answers

    @property
    def name(self) -> str:
        """The service's name."""
        return self.project.name

    @property
    def forgejo(self) -> Forgejo:
        """The canonical forge."""
        return self.systems.forgejo

    @property
    def github(self) -> GitHub:
        """The mirror's forge; only asked for where the service has a repository."""
        return _there(self.systems.github)

    @property
    def woodpecker(self) -> Woodpecker:
        """The deployer; only asked for where the service has a repository."""
        return _there(self.systems.woodpecker)

    @property
    def vault(self) -> Vault:
        """The secrets' store; only asked for where the service has secrets."""
        return _there(self.systems.vault)

    @property
    def owner(self) -> str:
        """Owner on the canonical forge."""
        return self.platform.owner("forgejo")

    @property
    def mirror(self) -> str:
        """Full name of the mirror on GitHub."""
        return f"{self.platform.owner('github')}/{self.name}"

    @property
    def infra_branch(self) -> str:
        """The branch that this service's pull request comes from."""
        return f"{BRANCH_PREFIX}{self.name}"

    @cached_property
    def remote(self) -> Remote:
        """How git reaches the canonical forge."""
        return Remote(self.platform, self.owner, self.credentials["forgejo"].value)

    def forget(self) -> None:
        """Forget what was seen: something has changed, or may have."""
        self._seen.clear()

    def canonical(self) -> Repository | None:
        """The canonical repository, as seen in this pass."""
        return self._look("canonical", lambda: self.forgejo.repository(self.owner, self.name))

    def canonical_head(self) -> str | None:
        """Commit id of the canonical branch."""
        if self.canonical() is None:
            return None
        return self._look("head", lambda: self.forgejo.branch(self.owner, self.name, self.platform.branch))

    def canonical_answers(self) -> dict[str, Any] | None:
        """The answers file of the canonical branch."""
        head = self.canonical_head()
        if head is None:
            return None
        tree = RemoteCommit(self.forgejo, self.owner, self.name, head)
        return self._look("answers", lambda: recorded_answers(tree))

    def mirror_repository(self) -> Mirror | None:
        """The mirror on GitHub."""
        return self._look("mirror", lambda: self.github.repository(self.mirror))

    def mirror_heads(self) -> dict[str, str]:
        """Commit ids of the mirror's branches."""
        if self.mirror_repository() is None:
            return {}
        return self._look("mirror heads", lambda: self.github.branches(self.mirror))

    def registration(self) -> Registered | None:
        """Woodpecker's registration of the mirror."""
        return self._look("registration", lambda: self.woodpecker.lookup(self.mirror))

    def woodpecker_number(self) -> int | None:
        """Woodpecker's number of the mirror: None as long as it has none, 0 where nothing is deployed from there."""
        if "woodpecker" not in self.answers["systems"]:
            return 0
        registration = self.registration()
        return registration.id if registration else None

    @property
    def infra_repository(self) -> str:
        """Name of the infra repository on the forge."""
        return str(self.platform.data["infra"]["repository"])

    @property
    def infra_url(self) -> str:
        """Clone address of the infra repository."""
        return f"{self.platform.url('forgejo')}/{self.owner}/{self.infra_repository}.git"

    def infra_heads(self) -> dict[str, str]:
        """Commit ids of the infra repository's branches on the forge."""
        return self._look("infra heads", lambda: self.forgejo.branches(self.owner, self.infra_repository))

    def pull_request(self) -> PullRequest | None:
        """The newest pull request of our branch that is open or was merged."""
        branch = self.platform.data["infra"]["branch"]
        return self._look(
            "pull request",
            lambda: self.forgejo.pull_request(self.owner, self.infra_repository, branch, self.infra_branch),
        )

    def infra_tree(self, sha: str) -> Listing:
        """A commit of the infra repository: from the clone where it has it, else from the forge."""
        if self.infra.has(sha):
            return Commit(self.infra, sha)
        return RemoteCommit(self.forgejo, self.owner, self.infra_repository, sha, self.infra)

    def infra_state(self, sha: str) -> InfraState:
        """What a commit of the infra repository has and lacks."""
        others = self._others()
        if (sha, others) not in self._states:
            self._states[sha, others] = self.project.infra_state(self.infra_tree(sha), self.other_stacks)
        return self._states[sha, others]

    def other_stacks(self) -> list[Holding]:
        """What stacks on the default branch, and those waiting for review, hold of what this service needs."""
        return [holding for place in self._others() for holding in self._survey(place)]

    def check_allocations(self, state: InfraState) -> None:
        """Raise ``AnswersError`` where another stack has what this service, in this state, needs for itself."""
        self.project.check_allocations(self.other_stacks(), state.facts)

    def _others(self) -> tuple[Stacks, ...]:
        """Where stacks of others are: the default branch, and each stack that waits for review on a branch."""
        infra, heads = self.platform.data["infra"], self.infra_heads()
        merged = [Stacks(heads[infra["branch"]])] if infra["branch"] in heads else []
        waiting = {
            branch.removeprefix(BRANCH_PREFIX): sha for branch, sha in heads.items() if branch.startswith(BRANCH_PREFIX)
        }
        return (
            *merged,
            *(Stacks(sha, f"{infra['stacks']}/{name}") for name, sha in waiting.items() if name != self.name),
        )

    def _survey(self, place: Stacks) -> list[Holding]:
        if place not in self._surveys:
            self._surveys[place] = self.project.survey(self.infra_tree(place.sha), place.folder)
        return self._surveys[place]

    def _look(self, what: str, how: Callable[[], Seen]) -> Seen:
        if what not in self._seen:
            self._seen[what] = how()
        return self._seen[what]  # type: ignore[no-any-return]


def _there(client: Client | None) -> Client:
    if client is None:
        raise RuntimeError("a step asked for a system that its plan does not need")
    return client
