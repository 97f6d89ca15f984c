"""What waits for review: our branches and their pull requests, never anyone else's commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from generator.base.errors import AnswersError, RefusedError, UnreadableError
from generator.base.memo import run_parallel
from generator.clients.forgejo import Commit, PullRequest
from generator.engine.change import change_branch
from generator.engine.context import Run
from generator.engine.ownership import of_branch, of_content, of_tree
from generator.engine.plan import Action, Decision
from generator.engine.recorded import UNRECORDED, Recorded, read_recorded
from generator.engine.steps.adoption.commit import TITLE as ADOPTING
from generator.engine.steps.base import foreign
from generator.engine.steps.change.line import Repository, service_repository
from generator.engine.steps.infra import titles
from generator.engine.steps.infra_branch import is_merged
from generator.engine.steps.removal.base import Covered, Removal, gone, kept, listed, removable
from generator.engine.steps.removal.by_proposal import delete_branch
from generator.engine.steps.removal.proposal import MOST_COMMITS, made_of
from generator.engine.transition import transition
from generator.infra_repo.entries import RegistrationChange, compare_registrations, registered_files
from generator.infra_repo.fingerprints import blobs, differing
from generator.infra_repo.tree_diff import FileChange
from generator.template.files import ANSWERS_FILE


@dataclass(frozen=True)
class BranchFacts:
    """A branch of ours: its commits that the default branch lacks, and the paths that are not as newservice left them.

    ``merged``: everything on it is on the default branch, or was merged from there.
    """

    head: str | None = None
    recorded: Recorded = UNRECORDED
    merged: bool = False
    commits: tuple[Commit, ...] = ()
    edited: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    registrations: tuple[RegistrationChange, ...] = ()
    pull_request: PullRequest | None = None


def observe_branch(run: Run, branch: str) -> BranchFacts:
    """Look at one of our branches as the forge has it now."""
    run_parallel(run.infra_heads, partial(run.pull_request, branch))
    heads, pull = run.infra_heads(), run.pull_request(branch)
    head, base = heads.get(branch), heads.get(run.platform.infra.branch)
    if head is None or base is None:
        return BranchFacts(pull_request=pull)
    commits = run.forgejo.commits(run.owner, run.infra_repository, head, without=base, limit=MOST_COMMITS)
    recorded = read_recorded(run.infra_tree(head), run.project.stack_prefix)
    if not commits or is_merged(pull, head):
        return BranchFacts(head, recorded, merged=True, pull_request=pull)
    if not of_tree(recorded, run.name).ours:
        return BranchFacts(head, recorded, commits=tuple(commits), pull_request=pull)
    edited, files, registrations = _compare(run, head, commits, stands_on(head, commits) or base)
    return BranchFacts(head, recorded, False, tuple(commits), edited, files, registrations, pull)


def observe_own_branch(run: Run, branch: str) -> BranchFacts:
    """The same in the service's own repository, which people began."""
    repository = own_repository(run)
    head = repository.heads.get(branch) if repository else None
    if repository is None or head is None:
        return BranchFacts()
    commits, pull, recorded = repository.pending(branch), repository.pull(branch), repository.recorded(head)
    if not commits or is_merged(pull, head):
        return BranchFacts(head, recorded, merged=True, pull_request=pull)
    edited = _compare_own(run, recorded, head, repository.heads[repository.default])
    return BranchFacts(head, recorded, commits=tuple(commits), edited=edited, pull_request=pull)


def own_repository(run: Run) -> Repository | None:
    """The service's own repository, as seen in this pass; None where it has no default branch."""
    if run.canonical_head() is None:
        return None
    found = run.once("own repository", lambda: service_repository(run))
    return found if found.default in found.heads else None


class _Proposed(Removal[BranchFacts]):
    """A branch in the infra repository, or in the service's own, that proposes something."""

    system = "forgejo"
    group = "infra"

    def repository(self, run: Run) -> str:
        """The repository's name."""
        return run.infra_repository

    def branch(self, run: Run) -> str:
        """The branch's name: that of an onboarding, or of an adoption."""
        return run.infra_branch

    def observe(self, run: Run) -> BranchFacts:
        """The branch and its pull request."""
        branch = self.branch(run)
        look = observe_branch if self.repository(run) == run.infra_repository else observe_own_branch
        return run.once((BranchFacts, self.repository(run), branch), lambda: look(run, branch))


class BranchRemoval(_Proposed):
    """The branch, which nobody has merged and nobody but newservice has committed to."""

    id = "infra.commit"

    def decide(self, run: Run, facts: BranchFacts) -> Decision:
        """Ours goes; with someone else's commit or edit it stays."""
        return decide_branch(run, self.repository(run), self.branch(run), facts)

    def act(self, run: Run, facts: BranchFacts) -> str:
        """Delete it, if it is still at the commit that was seen."""
        assert facts.head is not None  # noqa: S101 - decide acts on a branch only
        return delete_branch(run, self.repository(run), facts.head, self.branch(run))

    def covers(self, run: Run, facts: BranchFacts) -> Covered:  # noqa: ARG002
        """The stack and the registrations on it."""
        files = tuple(FileChange("infra", path, "delete", None, None) for path in facts.files)
        return Covered(files, facts.registrations)


class PullRequestRemoval(_Proposed):
    """The pull request of that branch is closed before the branch goes."""

    id = "infra.pull_request"

    def decide(self, run: Run, facts: BranchFacts) -> Decision:
        """It goes with its branch, and stays with it."""
        if facts.pull_request is None or facts.pull_request.state != "open":
            return gone("no pull request is open")
        branch = self.branch(run)
        if facts.head is None or decide_branch(run, self.repository(run), branch, facts).action is Action.DELETE:
            return removable(f"{facts.pull_request.url} is closed")
        return kept(facts.pull_request.url, [f"it proposes {branch}"])

    def act(self, run: Run, facts: BranchFacts) -> str:
        """Close it, unmerged."""
        assert facts.pull_request is not None  # noqa: S101 - decide acts on a pull request only
        run.forgejo.close_pull_request(run.owner, self.repository(run), facts.pull_request.number)
        return f"{facts.pull_request.url} is closed"


class _OfChange(_Proposed):
    """What a change of the stack proposes."""

    def branch(self, run: Run) -> str:
        """The branch's name."""
        return change_branch(run.name)


class ChangeBranchRemoval(_OfChange, BranchRemoval):
    """The branch on which a change of the stack waits."""

    id = "infra.change_commit"


class ChangePullRequestRemoval(_OfChange, PullRequestRemoval):
    """The pull request of that change."""

    id = "infra.change_request"


class _InService(_Proposed):
    """What is proposed in the service's own repository, which people began."""

    def repository(self, run: Run) -> str:
        """The repository's name."""
        return run.name


class ServiceChangeBranchRemoval(_InService, ChangeBranchRemoval):
    """The branch on which a change of the repository's files waits."""

    id = "service.change_commit"


class ServiceChangeRequestRemoval(_InService, ChangePullRequestRemoval):
    """The pull request of that change."""

    id = "service.change_request"


class AdoptionBranchRemoval(_InService, BranchRemoval):
    """The branch with the files that an adoption adds."""

    id = "service.adoption_commit"


class AdoptionRequestRemoval(_InService, PullRequestRemoval):
    """The pull request that proposes these files."""

    id = "service.adoption_request"


def decide_branch(run: Run, repository: str, branch: str, facts: BranchFacts) -> Decision:
    """The decision about a branch. Pure."""
    where = f"{branch} of {run.owner}/{repository}"
    if facts.head is None:
        return gone(f"{branch} does not exist")
    if not of_tree(facts.recorded, run.name).ours:
        what = "stack" if repository == run.infra_repository else "answers file"
        return foreign(f"{where} holds no {what} of newservice's for this service", "merge or delete it by hand")
    if facts.merged:
        return removable(f"{where}, merged")
    by_hand = "delete it on Forgejo if nobody needs it"
    strangers = of_branch(facts.commits, (*titles(run), ADOPTING.format(name=run.name))).others
    if strangers or len(facts.commits) >= MOST_COMMITS:
        return kept(where, [f"it has commits of others ({listed(strangers)})"], by_hand)
    if facts.edited:
        return kept(where, [not_as_written(run, facts.edited)], by_hand)
    return removable(f"{where}, as newservice pushed it")


def stands_on(head: str, commits: list[Commit]) -> str | None:
    """The commit on which a branch's own ``commits`` are based; None where they begin a history.

    A branch that was updated is based on the commit that it was updated to: its second parent.
    """
    own = {commit.id: commit for commit in commits}
    at: str | None = head
    while at in own:
        parents = own[at].parents
        at = next((parent for parent in parents if parent not in own), parents[0] if parents else None)
    return at


def _compare(
    run: Run, head: str, commits: Sequence[Commit], onto: str
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[RegistrationChange, ...]]:
    """Paths of the branch that are not what newservice makes of the commit below; our files; our registrations.

    Where the commit below has the stack already, none of it goes with the branch.
    """
    project, prefix = run.project, run.project.stack_prefix
    if of_tree(read_recorded(run.infra_tree(onto), prefix), run.name).ours:
        return _compare_change(run, head, onto), (), ()
    facts = project.infra_state(run.infra_tree(head), list).facts
    registrations = compare_registrations(project.registrations, run.infra_tree(onto))
    before, after = (run.forgejo.tree(run.owner, run.infra_repository, sha) for sha in (onto, head))
    stack = {path: blob for path, blob in after.items() if path.startswith(prefix)}
    rendered = blobs(project.stack_files(facts), prefix)
    if not of_content((commit.message for commit in commits), stack, lambda: rendered).untouched:
        stack = rendered
    wanted = {**before, **stack, **blobs(registered_files(registrations))}
    added = tuple(
        RegistrationChange(item.id, item.path, "remove", item.after, item.before)
        for item in registrations
        if item.action == "add"
    )
    return tuple(differing(wanted, after)), tuple(stack), added


def _compare_change(run: Run, head: str, onto: str) -> tuple[str, ...]:
    """Paths of the branch that are not what newservice makes of the stack below, with the answers that it records."""
    prefix, versions, below = run.project.stack_prefix, run.project.versions, run.infra_tree(onto)
    before, after = (run.forgejo.tree(run.owner, run.infra_repository, sha) for sha in (onto, head))
    try:
        start, goal = (
            (maker := versions.made_by(recorded)).end(maker.answers(recorded))
            for recorded in (read_recorded(tree, prefix) for tree in (below, run.infra_tree(head)))
        )
    except (RefusedError, UnreadableError, AnswersError):  # another version made it: it can't be compared
        return tuple(differing(before, after))
    found = transition(start, goal, below, "infra", prefix, partial(versions.claimed, below, run.name))
    left = {path: blob for path, blob in before.items() if path not in found.removed}
    return (*found.conflicts, *differing({**left, **blobs(found.written)}, after))


def _compare_own(run: Run, recorded: Recorded, head: str, base: str) -> tuple[str, ...]:
    """Paths of a branch that are neither as newservice makes them nor as on the branch below."""
    if not of_tree(recorded, run.name).ours:
        return ()
    below, found = (run.forgejo.tree(run.owner, run.name, sha) for sha in (base, head))
    made = made_of(run, recorded)
    changed = differing(made, {path: blob for path, blob in found.items() if path in made})
    return tuple(path for path in changed if path != ANSWERS_FILE and found.get(path) != below.get(path))


def not_as_written(run: Run, paths: Sequence[str]) -> str:
    """Why files stay."""
    return (
        f"files are not as newservice wrote them, nor as template {run.project.template.version} does ({listed(paths)})"
    )
