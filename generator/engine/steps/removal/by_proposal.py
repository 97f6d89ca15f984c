"""Removal by proposal: a commit takes newservice's files out of a default branch, on a branch of its own and in a pull
request. Never on the default branch itself: a person looks first. A branch that was merged goes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from generator.clients.forgejo import Commit, PullRequest
from generator.clients.git import scratch_repository
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import of_branch, of_tree
from generator.engine.plan import Action, Decision, State
from generator.engine.steps.base import foreign
from generator.engine.steps.change.line import Repository, after, begins_again
from generator.engine.steps.infra_branch import is_merged
from generator.engine.steps.removal.base import Covered, Removal, gone, is_kept, kept, listed, removable, waits
from generator.engine.transition import NO_CHANGE, Transition
from generator.infra_repo.entries import RegistrationChange

REMOVAL_PREFIX = "newservice-remove/"
"""What the branches that take files out begin with: ``newservice/`` is for what waits to be added."""


def removal_branch(run: Run) -> str:
    """The branch that takes this service's files out, in the infra repository or in an adopted one."""
    return f"{REMOVAL_PREFIX}{run.name}"


@dataclass(frozen=True)
class Leaving:
    """What newservice has on a default branch, and the branch that takes it out.

    ``ours``: the default branch (``base``) records the service; ``others``: someone else has files in its place.
    ``ending`` is what goes, ``kept`` why all of it stays, ``left`` what stays of it. ``pending`` are the commits of the
    branch (``head``) that the default branch lacks; ``cleared`` says that newservice's files are not on it.
    """

    base: str | None = None
    ours: bool = False
    others: bool = False
    ending: Transition = NO_CHANGE
    kept: str = ""
    left: tuple[str, ...] = ()
    head: str | None = None
    pending: tuple[Commit, ...] = ()
    cleared: bool = False
    pull: PullRequest | None = None

    @property
    def spent(self) -> bool:
        """Whether the branch has nothing left to merge: it was merged, as it is or in one commit."""
        if self.head is None or self.pull is None or not is_merged(self.pull, self.head):
            return self.head is not None and not self.pending
        return not begins_again(self.pull, self.pending)

    @property
    def remark(self) -> str:
        """What the commit's message says about an earlier removal."""
        return f"{after(self.pull)}\n\n" if self.pull and self.pull.state != "open" else ""


class Home(ABC):
    """A kind of tree that newservice has in a repository, and how it gets out of there."""

    title: ClassVar[str]
    """The first line of the commit; ``name`` is the service's."""
    later: ClassVar[str]
    """What a person does about the pull request."""
    by_hand: ClassVar[str] = ""
    """What a person does where all of it stays."""

    @abstractmethod
    def name(self, run: Run) -> str:
        """What the tree is called."""

    @abstractmethod
    def place(self, run: Run) -> tuple[str, str]:
        """The repository's name, and its default branch's."""

    @abstractmethod
    def repository(self, run: Run) -> Repository | None:
        """The repository, as seen in this pass; None where it holds nothing."""

    @abstractmethod
    def leaving(self, run: Run, repository: Repository, facts: Leaving) -> Leaving:
        """The same with what goes, and what stays, of a tree that is newservice's."""

    @abstractmethod
    def push(self, run: Run, facts: Leaving, merged: Sequence[str]) -> str:
        """Commit without the tree on top of the base, and push it to the removal branch without force; its id.

        ``merged`` are further parents, so that the push is a fast-forward.
        """

    @abstractmethod
    def ask(self, run: Run, facts: Leaving, title: str) -> Done:
        """Open the pull request."""

    @abstractmethod
    def missing(self, run: Run) -> Decision:
        """The decision where there is no default branch."""


class TreeRemoval(Removal[Leaving]):
    """A commit without newservice's files waits for review."""

    system = "forgejo"
    group = "infra"
    home: ClassVar[Home]

    def observe(self, run: Run) -> Leaving:
        """The default branch, and the removal branch."""
        return observe_leaving(run, self.home)

    def decide(self, run: Run, facts: Leaving) -> Decision:
        """What people edited stays, and is reported."""
        return decide_leaving(run, self.home, facts)

    def act(self, run: Run, facts: Leaving) -> str:
        """Commit on objects, beside every checkout; or delete a branch that was merged."""
        branch = removal_branch(run)
        if facts.ours:
            return f"{branch} at {self.home.push(run, facts, [facts.head] if facts.head else [])[:8]}"
        assert facts.head is not None  # noqa: S101 - decide acts without a tree on a branch only
        return delete_branch(run, self.home.place(run)[0], facts.head, branch)

    def covers(self, run: Run, facts: Leaving) -> Covered:  # noqa: ARG002
        """The files and the entries in shared files, the edited ones too, which stay."""
        entries = (item for item in facts.ending.entries if item.action != "absent")
        return Covered(facts.ending.files, tuple(map(_shown, entries)))


class TreeRemovalRequest(Removal[Leaving]):
    """A pull request proposes that commit, and says what a person does first."""

    system = "forgejo"
    group = "infra"
    home: ClassVar[Home]

    def observe(self, run: Run) -> Leaving:
        """The same, with the branch's pull request."""
        return observe_leaving(run, self.home)

    def decide(self, run: Run, facts: Leaving) -> Decision:
        """Open one where the files are on their way out and none is open."""
        if not facts.ours or is_kept(decide_leaving(run, self.home, facts)):
            return gone("nothing to propose")
        later = f"{self.home.later}; then newservice remove {run.name} again, for what waits for that"
        if facts.pull is not None and facts.pull.state == "open":
            return waits(facts.pull.url, [later])
        into = self.home.place(run)[1]
        return Decision(State.ABSENT, Action.CREATE, f"{removal_branch(run)} into {into}", to_do=(later,))

    def act(self, run: Run, facts: Leaving) -> Done:
        """Open it."""
        return self.home.ask(run, facts, self.home.title.format(name=run.name))


def observe_leaving(run: Run, home: Home) -> Leaving:
    """Look at the default branch and at the removal branch, as the forge has them now."""
    return run.once((Leaving, home.title), lambda: _observe(run, home))


def _observe(run: Run, home: Home) -> Leaving:
    repository, branch = home.repository(run), removal_branch(run)
    if repository is None or repository.default not in repository.heads:
        return Leaving()
    base, head = repository.heads[repository.default], repository.heads.get(branch)
    facts = Leaving(base, head=head, pull=repository.pull(branch))
    if head is not None:
        pending, cleared = tuple(repository.pending(branch)), not _stands(repository, head)
        facts = replace(facts, pending=pending, cleared=cleared)
    if not of_tree(repository.recorded(base), run.name).ours:
        return replace(facts, others=bool(repository.prefix) and _stands(repository, base))
    return home.leaving(run, repository, replace(facts, ours=True))


def _stands(repository: Repository, sha: str) -> bool:
    """Whether a commit has the tree: any file of a folder that is the tree's alone, else its answers."""
    folder = repository.prefix.rstrip("/")
    return bool(repository.tree(sha).paths(folder) if folder else repository.recorded(sha))


def decide_leaving(run: Run, home: Home, facts: Leaving) -> Decision:
    """The decision about the tree. Pure."""
    (repository, default), branch, name = home.place(run), removal_branch(run), home.name(run)
    where = f"{run.owner}/{repository}"
    if facts.base is None:
        return home.missing(run)
    if facts.others:
        return foreign(f"{name} exists in {where} and was not made by newservice", "nothing of it is removed")
    made = of_branch(facts.pending, [f"{home.title.format(name=run.name)}\n"])
    if facts.head and not made.ours and not facts.spent:
        return foreign(f"{where} has a branch {branch} that newservice did not make", "merge or delete it by hand")
    if not facts.ours:
        if facts.head is None:
            return gone(f"{name} is not on {default}")
        if made.others and not facts.spent:
            return kept(branch, [f"it has commits of others ({listed(made.others)})"])
        return removable(f"{branch}, which has nothing left to merge")
    if facts.kept:
        return kept(f"{name} on {default}", [facts.kept], home.by_hand)
    if facts.head and not facts.spent:
        if facts.cleared:
            return waits(f"{branch} takes {name} out; it waits for review")
        return kept(branch, [f"{name} is still on it"], "delete that branch, then run the same command again")
    entries = sum(item.action == "remove" for item in facts.ending.entries)
    registrations = f" and {entries} registrations" if facts.ending.entries else ""
    summary = f"{len(facts.ending.removed)} files in {name}{registrations}, by {branch}"
    return removable(summary + "".join(f"; {line}" for line in facts.left), facts.left)


def _shown(item: RegistrationChange) -> RegistrationChange:
    """An entry as plans show it: what can't be removed differs and stays."""
    return replace(item, action={"refuse": "update", "kept": "present"}.get(item.action, item.action))


def delete_branch(run: Run, repository: str, sha: str, branch: str) -> str:
    """Delete a branch of one of the owner's repositories, if it is still at the commit that was seen."""
    with scratch_repository() as scratch:
        scratch.delete_branch(run.remote, run.platform.forgejo.clone_url(repository), sha, branch)
    return f"{branch} is deleted"
