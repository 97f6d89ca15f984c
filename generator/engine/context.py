"""One run for one service: a project, the systems it goes into, and what was seen of them in this pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from generator.base.errors import SystemFailure
from generator.base.memo import Memo
from generator.base.secrets import Secret
from generator.engine.branch_rules import conclusive, rule_for
from generator.engine.commits import Commit, RemoteCommit
from generator.engine.credentials import Credential
from generator.engine.ownership import MARK, adoption_of, of_adopted, of_history, of_layer, of_registration
from generator.engine.project import BRANCH_PREFIX, InfraState, Project
from generator.engine.recorded import Recorded, read_recorded
from generator.engine.renamed import refuse_missing_infra_branch, refuse_renamed_branch
from generator.engine.seeds import Seed
from generator.infra_repo.allocations import Holding, collisions
from generator.infra_repo.fingerprints import blob_id
from generator.infra_repo.trees import Contents, Listing
from generator.platform.profile import Platform
from generator.template.answers import Answers
from generator.template.files import ANSWERS_FILE, File

if TYPE_CHECKING:  # importing the clients takes a while, and what only plans files needs none
    from generator.clients.forgejo import BranchRule, Forgejo, PullRequest, PushMirror, Repository
    from generator.clients.forgejo import Commit as ForgeCommit
    from generator.clients.git import Remote
    from generator.clients.git import Repository as Clone
    from generator.clients.github import ActionsSecret, GitHub, Mirror
    from generator.clients.patience import Patience
    from generator.clients.registry import Registry
    from generator.clients.vault import Vault
    from generator.clients.woodpecker import Registration as Registered
    from generator.clients.woodpecker import Woodpecker

RECENT_SECONDS = 2.0
"""The maximum age of the last look before a write, counted from its beginning."""

Client = TypeVar("Client")
Given = TypeVar("Given")


@dataclass(frozen=True)
class Systems:
    """Clients of the outside systems; ``vault`` is set only where the service needs it."""

    forgejo: Forgejo
    github: GitHub | None = None
    woodpecker: Woodpecker | None = None
    vault: Vault | None = None
    registry: Callable[[], Registry] | None = None
    """Opens the image registry, which few services need to look at."""

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
    """A project on its way into the systems.

    ``seeds`` are values by property, ``sources`` says where each of them is from. ``opens``: a person agreed that
    private copies become as visible as the answers want; ``adopts``: that newservice takes over what people began, and
    marks it. ``history`` is a clone that is nowhere else, whose history such a repository gets. Several steps may use
    it at the same time. ``_known`` is what can't change: commits by their ids.
    """

    project: Project
    systems: Systems
    credentials: Mapping[str, Credential]
    infra: Clone
    patience: Patience
    seeds: Mapping[str, Secret] = field(default_factory=dict)
    progress: Callable[[str], None] = lambda _: None
    sources: Mapping[str, Seed] = field(default_factory=dict)
    opens: bool = False
    adopts: bool = False
    history: Path | None = None
    _known: Memo = field(default_factory=lambda: Memo(failures=False))
    _seen: Memo = field(default_factory=Memo)

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

    def has_image(self, image: str, tag: str) -> bool:
        """Whether the registry shows an image. Raises ``PreflightError`` without a credential that may look."""
        registry = _there(self.systems.registry)()
        try:
            return registry.digest(image, tag) is not None
        finally:
            registry.close()

    @property
    def owner(self) -> str:
        """Owner on the canonical forge."""
        return self.platform.forgejo.owner

    @property
    def mirror(self) -> str:
        """Full name of the mirror on GitHub."""
        return f"{self.platform.github.owner}/{self.name}"

    @property
    def infra_branch(self) -> str:
        """The branch that this service's pull request comes from."""
        return self.project.infra_branch

    @property
    def remote(self) -> Remote:
        """How git reaches the canonical forge."""
        from generator.clients.git import Remote

        return Remote(self.platform, self.owner, self.credentials["forgejo"].value)

    def fresh(self, since: float | None = None) -> Run:
        """The same run before anything was looked at: something has changed, or may have.

        ``since`` (seconds of the monotonic clock): what was looked at since then is taken for this pass as well.
        """
        return replace(self, _seen=self._seen.later(since))

    def of(self, project: Project) -> Run:
        """The same pass for other answers of the service."""
        return replace(self, project=project, _known=Memo(failures=False))

    @property
    def since(self) -> float:
        """When this pass began (seconds of the monotonic clock)."""
        return self._seen.since

    @property
    def recent(self) -> bool:
        """Whether this pass began a moment ago: what it saw may count as the look right before a write."""
        return time.monotonic() - self.since < RECENT_SECONDS

    def canonical(self) -> Repository | None:
        """The canonical repository, as seen in this pass."""
        return self._seen.look("canonical", lambda: self.forgejo.repository(self.owner, self.name))

    def canonical_head(self) -> str | None:
        """Commit id of the canonical branch."""
        return self._seen.look("head", lambda: self.forgejo.branch(self.owner, self.name, self.platform.forgejo.branch))

    def canonical_answers(self) -> Recorded:
        """What the canonical branch records. Raises ``RefusedError`` where that branch was renamed."""
        found = self._seen.look("answers", lambda: self._answers_at(self.platform.forgejo.branch))
        if not found and (head := self.canonical_head()):
            return self._known.look(
                ("answers", head), lambda: self.patience(partial(self._pushed, head), repeatable=True)
            )
        if not found:
            refuse_renamed_branch(self)
        return found

    def canonical_begun(self) -> bool:
        """Whether newservice began the history of the canonical branch; False where there is no branch.

        Of an adopted repository the description and the answers file say that it is this service's. Where people have
        rewritten the history of another one, two other proofs together count as much: the stack was merged into the
        infra repository's default branch, and the repository's description carries newservice's mark.
        """
        head, repository = self.canonical_head(), self.canonical()
        if head is None or repository is None:
            return False
        look = partial(self.forgejo.origins, self.owner, self.name, head, ANSWERS_FILE)
        if adoption_of(repository.description):  # its history is people's own
            return of_adopted(repository, self.canonical_answers(), self.name).ours
        origins = self._known.look(("origins", head), look)
        return of_history(origins, self.name).ours or (repository.description.endswith(MARK) and self.stack_merged())

    def canonical_commit(self, sha: str, at_hand: Iterable[File] = ()) -> RemoteCommit:
        """A commit of the canonical repository; of contents that are ``at_hand`` none is requested."""
        contents: dict[str, bytes] = self._known.look("contents at hand", dict)
        contents |= {blob_id(file.content): file.content for file in at_hand}
        commit = partial(RemoteCommit, self.forgejo, self.owner, self.name, sha, Contents(contents))
        return self._known.look(("canonical", sha), commit)

    def _pushed(self, head: str) -> Recorded:
        """What a commit records. No record counts only once the push is over. Raises ``SystemFailure`` before."""
        found, repository = self._answers_at(head), self.forgejo.repository(self.owner, self.name)
        if not found and repository and repository.empty:
            raise SystemFailure(
                "forgejo.unseen",
                f"forgejo: {self.owner}/{self.name} has a branch but is still reported as empty: a push is under way",
                "wait a moment, then run the same command again",
                passing=True,
            )
        return found or self._answers_at(head)

    def _answers_at(self, ref: str) -> Recorded:
        return read_recorded(RemoteCommit(self.forgejo, self.owner, self.name, ref))

    def push_mirrors(self) -> list[PushMirror]:
        """All push mirrors of the canonical repository. Raises ``SystemFailure`` where they can't be seen."""
        return self._of_canonical("push mirrors", lambda: self.forgejo.push_mirrors(self.owner, self.name)) or []

    def canonical_references(self) -> dict[str, str]:
        """Ids by full name of the canonical repository's branches and tags, which has a branch at least.

        Raises ``SystemFailure`` where they can't be seen.
        """
        look = partial(self.forgejo.references, self.owner, self.name)
        return self._of_canonical("branches and tags", lambda: look() or None) or {}

    def _of_canonical(self, what: str, look: Callable[[], Given | None]) -> Given | None:
        """What ``look`` sees of the canonical repository; None only where the repository does not exist.

        Raises ``SystemFailure`` where ``what`` can't be seen in an existing one.
        """
        seen = self._seen.look(what, look)
        if seen is None and self.canonical() is not None and (seen := look()) is None:  # it may have appeared meanwhile
            raise SystemFailure(
                "forgejo.unseen",
                f"forgejo: {self.owner}/{self.name} exists, but its {what} can't be seen",
                "give the token that right, or wait a moment; then run the same command again",
                passing=True,
            )
        return seen

    def mirror_repository(self) -> Mirror | None:
        """The mirror on GitHub."""
        return self._seen.look("mirror", lambda: self.github.repository(self.mirror))

    def mirror_heads(self) -> dict[str, str]:
        """Commit ids of the mirror's branches. Raises ``SystemFailure`` where they can't be seen."""
        return self._of_mirror("branches", lambda: self.github.branches(self.mirror)) or {}

    def mirror_tags(self) -> dict[str, str]:
        """Ids by full name of the mirror's tags. Raises ``SystemFailure`` where they can't be seen."""
        return self._of_mirror("tags", lambda: self.github.references(self.mirror, "tags")) or {}

    def mirror_secrets(self) -> frozenset[str]:
        """Names of the mirror's Actions secrets. Raises ``SystemFailure`` where they can't be seen."""
        return frozenset(self.mirror_secret_times())

    def mirror_secret_times(self) -> Mapping[str, ActionsSecret]:
        """The mirror's Actions secrets by name. Raises ``SystemFailure`` where they can't be seen."""
        return self._of_mirror("Actions secrets", lambda: self.github.actions_secrets(self.mirror)) or {}

    def _of_mirror(self, what: str, look: Callable[[], Given | None]) -> Given | None:
        """What ``look`` sees of the mirror; None only where the mirror does not exist.

        Raises ``SystemFailure`` where ``what`` can't be seen in an existing one.
        """
        seen = self._seen.look(("mirror", what), look)
        if seen is None and self.mirror_repository() is not None and (seen := look()) is None:  # as above
            raise SystemFailure(
                "github.unseen",
                f"github: {self.mirror} exists, but its {what} can't be seen",
                "give the token that right, or wait a moment; then run the same command again",
                passing=True,
            )
        return seen

    def registration(self) -> Registered | None:
        """Woodpecker's registration of the mirror, which it may know by an earlier name.

        It also finds repositories that had the mirror's name earlier: those are none of ours.
        """
        found = self._seen.look("registration", lambda: self.woodpecker.lookup(self.mirror))
        if found is None or found.full_name.lower() == self.mirror.lower():
            return found
        mirror = self.mirror_repository()
        return found if of_registration(found, mirror.id if mirror else None).ours else None

    def woodpecker_number(self) -> int | None:
        """Woodpecker's number of the mirror: None as long as it has none, 0 where nothing is deployed from there."""
        if "woodpecker" not in self.answers.systems:
            return 0
        registration = self.registration()
        return registration.id if registration else None

    @property
    def infra_repository(self) -> str:
        """Name of the infra repository on the forge."""
        return self.platform.infra.repository

    @property
    def infra_url(self) -> str:
        """Clone address of the infra repository."""
        return self.platform.forgejo.clone_url(self.infra_repository)

    def infra_heads(self) -> dict[str, str]:
        """Commit ids of the infra repository's branches on the forge.

        Raises ``SystemFailure`` where none is seen, ``RefusedError`` where the profile's is not among them.
        """
        heads = self._seen.look("infra heads", lambda: self.forgejo.branches(self.owner, self.infra_repository))
        if not heads:
            raise SystemFailure(
                "forgejo.unseen",
                f"forgejo: {self.owner}/{self.infra_repository} exists, but its branches can't be seen",
                "give the token that right, or wait a moment; then run the same command again",
                passing=True,
            )
        refuse_missing_infra_branch(self.forgejo, self.platform, heads)
        return heads

    def pull_request(self, head: str = "") -> PullRequest | None:
        """The newest pull request of our branch, or of ``head``, that is open or was merged."""
        branch, head = self.platform.infra.branch, head or self.infra_branch
        return self._seen.look(
            ("pull request", head),
            lambda: self.forgejo.pull_request(self.owner, self.infra_repository, branch, head),
        )

    def once(self, what: Hashable, how: Callable[[], Given]) -> Given:
        """What ``how`` observes; in one pass each thing is observed once."""
        return self._seen.look(what, how)

    def infra_tree(self, sha: str) -> Listing:
        """A commit of the infra repository: from the clone where it has it, else from the forge."""
        if self.infra.has(sha):
            return Commit(self.infra, sha)
        return RemoteCommit(self.forgejo, self.owner, self.infra_repository, sha, self.infra)

    def infra_base(self) -> Listing:
        """The default branch of the infra repository: what is applied, as far as anyone can tell."""
        return self.infra_tree(self.infra_heads()[self.platform.infra.branch])

    def bring(self, sha: str, branch: str) -> None:
        """Bring a commit of a branch of the infra repository into the clone's objects.

        Raises ``SystemFailure`` when the branch moved meanwhile.
        """
        if not self.infra.has(sha):
            self.progress(f"fetching {self.infra_repository}")
            self.infra.fetch(self.remote, self.infra_url, branch)
        if not self.infra.has(sha):
            raise SystemFailure(
                "infra.moved", "the infra repository moved meanwhile", "run the same command again", passing=True
            )

    def branch_rules(self, repository: str) -> Sequence[BranchRule] | None:
        """The rules on the branches of one of the owner's repositories, looked up once a run.

        None where the token may not see them, or the repository does not exist.
        """
        look = partial(self.forgejo.branch_rules, self.owner, repository)
        return self._known.look(("rules", repository), look)

    def must_sign(self, repository: str, branch: str) -> bool:
        """Whether a rule wants the commits of a branch signed, as far as the rules can be seen."""
        rule = rule_for(self.branch_rules(repository) or (), branch)
        return rule is not None and rule.signed

    def pushes_first(self, branch: str) -> bool:
        """Whether a push to this branch of the infra repository may be rejected for what only the forge can see.

        Then it comes before all other writes.
        """
        return not conclusive(self.branch_rules(self.infra_repository), branch)

    def infra_blobs(self, sha: str) -> Mapping[str, str]:
        """Blob ids by path, for all files of a commit of the infra repository."""
        from generator.clients.objects import Objects

        if self.infra.has(sha):
            return Objects.of(self.infra).listing(sha)
        found = self.forgejo.tree(self.owner, self.infra_repository, sha)
        return {path: blob.id for path, blob in found.items() if not blob.submodule}

    def stack_recorded(self) -> bool:
        """Whether the default branch, or ours, records answers of this service: then only these count."""
        return self._records_stack(self.platform.infra.branch, self.infra_branch)

    def stack_merged(self) -> bool:
        """Whether the default branch records answers of this service: reviewers have accepted its stack."""
        return self._records_stack(self.platform.infra.branch)

    def _records_stack(self, *branches: str) -> bool:
        heads, prefix = self.infra_heads(), self.project.stack_prefix
        records = (read_recorded(self.infra_tree(heads[name]), prefix) for name in branches if name in heads)
        return any(of_layer(recorded, self.name, "stack").ours for recorded in records)

    def infra_branch_commits(self) -> list[ForgeCommit]:
        """The commits that our branch of the infra repository adds to the default branch; none where it is missing."""
        heads = self.infra_heads()
        head, base = heads.get(self.infra_branch), heads.get(self.platform.infra.branch, "")
        if head is None or head == base:
            return []
        look = partial(self.forgejo.commits, self.owner, self.infra_repository, head, without=base)
        return self._known.look(("added", base, head), look)

    def infra_state(self, sha: str) -> InfraState:
        """What a commit of the infra repository has and lacks."""
        others = self._others()
        return self._known.look(
            (sha, others), lambda: self.project.infra_state(self.infra_tree(sha), self.other_stacks)
        )

    def other_stacks(self) -> list[Holding]:
        """What stacks on the default branch, and those waiting for review, hold of what this service needs."""
        return [holding for place in self._others() for holding in self._survey(place)]

    def check_allocations(self, state: InfraState) -> None:
        """Raise ``AnswersError`` where another stack has what this service, in this state, needs for itself."""
        self.project.check_allocations(self.other_stacks(), state.facts)

    def rivals(self, state: InfraState) -> list[str]:
        """Branches that wait for review with a stack which has what this service, in this state, needs for itself."""
        allocations = self.project.allocations
        return [
            branch
            for branch, place in self._waiting().items()
            if collisions(allocations, self._survey(place), state.facts)
        ]

    def _others(self) -> tuple[Stacks, ...]:
        """Where stacks of others are: the default branch, and each stack that waits for review on a branch."""
        infra, heads = self.platform.infra, self.infra_heads()
        merged = [Stacks(heads[infra.branch])] if infra.branch in heads else []
        return (*merged, *self._waiting().values())

    def _waiting(self) -> dict[str, Stacks]:
        """The stacks of others that wait for review, by branch."""
        folder = self.platform.infra.stacks
        return {
            branch: Stacks(sha, f"{folder}/{branch.removeprefix(BRANCH_PREFIX)}")
            for branch, sha in self.infra_heads().items()
            if branch.startswith(BRANCH_PREFIX) and branch != self.infra_branch
        }

    def _survey(self, place: Stacks) -> list[Holding]:
        return self._known.look(place, lambda: self.project.survey(self.infra_tree(place.sha), place.folder))


def _there(client: Client | None) -> Client:
    if client is None:
        raise RuntimeError("a step asked for a system that its plan does not need")
    return client
