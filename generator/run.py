"""One run for one service: what is wanted, where it goes, and the systems it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import yaml

from generator.allocations import load_allocations, taken
from generator.answers import Answers
from generator.changes import FileChange, RegistrationChange, compare, compare_registrations, recorded_answers
from generator.clients.forgejo import Forgejo
from generator.clients.git import Remote, Repository
from generator.clients.github import GitHub
from generator.clients.vault import Vault
from generator.clients.woodpecker import Woodpecker
from generator.credentials import Credential
from generator.errors import AnswersError
from generator.platform import Platform
from generator.registrations import Registration, load
from generator.render import File, render
from generator.secret import Secret
from generator.template import Template
from generator.trees import Commit, Listing, RemoteCommit, Tree


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
class InfraState:
    """What one commit of the infra repository has and lacks of this service."""

    files: tuple[FileChange, ...]
    registrations: tuple[RegistrationChange, ...]
    made_by_us: bool

    @property
    def missing(self) -> tuple[File, ...]:
        """Stack files that are not there. A stack that we made and somebody edited is complete as it is."""
        return () if self.made_by_us else tuple(item.file for item in self.files if item.action == "create")

    @property
    def foreign(self) -> bool:
        """Whether a stack of this name is there that newservice did not make."""
        return not self.made_by_us and any(item.before is not None for item in self.files)

    @property
    def unregistered(self) -> tuple[RegistrationChange, ...]:
        """Registrations that are not there."""
        return tuple(item for item in self.registrations if item.action == "add")

    @property
    def edited(self) -> int:
        """How many of our files differ from what the answers would render now."""
        return sum(item.action == "conflict" for item in self.files)

    @property
    def complete(self) -> bool:
        """Whether nothing is lacking."""
        return not self.missing and not self.unregistered and not self.foreign


@dataclass
class Project:
    """What is wanted: answers, platform and template, and the files that follow from them."""

    template: Template
    platform: Platform
    answers: Answers
    service_dir: Path
    _rendered: dict[int, tuple[File, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The service's name."""
        return self.answers.name

    @cached_property
    def stack_prefix(self) -> str:
        """Folder of the stack in the infra repository, with a trailing slash."""
        return f"{self.platform.data['infra']['stacks']}/{self.name}/"

    @cached_property
    def stack_files(self) -> tuple[File, ...]:
        """The rendered stack."""
        return render(self.template, self.answers, "stack", {"platform": self.platform.facts})

    @cached_property
    def registrations(self) -> list[Registration]:
        """The registrations that apply to these answers."""

        def expression(source: str, extra: Mapping[str, object]) -> str:
            return self.template.render(source, {**self.answers.context, **extra})

        return load(self.template.registrations, expression, self.answers.context)

    @cached_property
    def to_do(self) -> tuple[str, ...]:
        """What a person does after the merge, in the order that works."""
        steps = [(item.order, f"apply {item.apply_note}") for item in self.registrations if item.apply_note]
        text = (self.template.root / "templates" / "apply.yml").read_text(encoding="utf-8")
        steps += [
            (item["order"], self.template.render(item["do"], self.answers.context))
            for item in yaml.safe_load(text)
            if yaml.safe_load(self.template.render(item.get("when", "true"), self.answers.context))
        ]
        return tuple(dict.fromkeys(line for _, line in sorted(steps)))

    def service_files(self, woodpecker_id: int) -> tuple[File, ...]:
        """The rendered service repository; empty for an upstream image."""
        if not self.answers.owned:
            return ()
        if woodpecker_id not in self._rendered:
            facts = {"platform": self.platform.facts, "woodpecker_repo_id": woodpecker_id}
            self._rendered[woodpecker_id] = render(self.template, self.answers, "service", facts)
        return self._rendered[woodpecker_id]

    def check_allocations(self, tree: Listing) -> None:
        """Raise ``AnswersError`` where another stack of ``tree`` has a name that this service needs for itself."""
        paths = [
            path
            for path in tree.paths(self.platform.data["infra"]["stacks"])
            if path.endswith(".tf") and not path.startswith(self.stack_prefix)
        ]
        files = ((path, tree.read(path) or b"") for path in paths)
        problems = taken(load_allocations(self.template, self.answers), files)
        if problems:
            raise AnswersError(problems)

    def infra_state(self, tree: Tree) -> InfraState:
        """What a tree of the infra repository has and lacks."""
        recorded = recorded_answers(tree, self.stack_prefix)
        return InfraState(
            files=tuple(compare("infra", self.stack_files, tree, self.stack_prefix)),
            registrations=tuple(compare_registrations(self.registrations, tree)),
            made_by_us=recorded is not None and recorded.get("name") == self.name,
        )


@dataclass
class Run:
    """A project on its way into the systems."""

    project: Project
    systems: Systems
    credentials: Mapping[str, Credential]
    infra: Repository
    seeds: Mapping[str, Secret] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda _: None
    _states: dict[str, InfraState] = field(default_factory=dict)

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
        return f"newservice/{self.name}"

    @cached_property
    def remote(self) -> Remote:
        """How git reaches the canonical forge."""
        return Remote(self.platform, self.owner, self.credentials["forgejo"].value)

    def infra_head(self, branch: str) -> str | None:
        """Commit id of a branch of the infra repository on the forge."""
        return self.forgejo.branch(self.owner, self.platform.data["infra"]["repository"], branch)

    def infra_tree(self, sha: str) -> Tree:
        """A commit of the infra repository: from the clone where it has it, else from the forge."""
        if self.infra.has(sha):
            return Commit(self.infra, sha)
        return RemoteCommit(self.forgejo, self.owner, self.platform.data["infra"]["repository"], sha)

    def infra_listing(self, sha: str) -> Listing | None:
        """The commit, or the newest that the clone knows of the default branch; None where it knows none."""
        remembered = self.infra.head(f"refs/remotes/origin/{self.platform.data['infra']['branch']}")
        nearest = sha if self.infra.has(sha) else remembered or self.infra.head()
        return Commit(self.infra, nearest) if nearest else None

    def infra_state(self, sha: str) -> InfraState:
        """What a commit of the infra repository has and lacks."""
        if sha not in self._states:
            self._states[sha] = self.project.infra_state(self.infra_tree(sha))
        return self._states[sha]


Client = TypeVar("Client")


def _there(client: Client | None) -> Client:
    if client is None:
        raise RuntimeError("a step asked for a system that its plan does not need")
    return client
