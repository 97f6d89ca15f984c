"""A stack that was merged: a commit that takes it out, on a branch of its own, and a pull request. Never the default
branch itself: a person has to destroy what was applied first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from generator.base.memo import run_parallel
from generator.clients.forgejo import Commit, PullRequest
from generator.engine.checklist import Checklist, after_removal
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import of_branch, of_content, of_tree, signed
from generator.engine.plan import Action, Decision, State
from generator.engine.recorded import read_recorded
from generator.engine.steps.base import foreign
from generator.engine.steps.infra_branch import ask_for, is_merged, no_default_branch, push_commit
from generator.engine.steps.removal.base import Covered, Removal, gone, is_kept, kept, listed, removable, waits
from generator.engine.steps.removal.branch import not_as_written
from generator.engine.to_do import to_apply
from generator.engine.transition import NO_CHANGE, NOTHING, End, Transition, transition
from generator.infra_repo.entries import RegistrationChange, unreadable
from generator.infra_repo.fingerprints import Blob, blobs
from generator.infra_repo.trees import Tree
from generator.template.files import File

REMOVAL_PREFIX = "newservice-remove/"
"""What the branches that take a stack out begin with: ``newservice/`` is for stacks that wait for review."""


@dataclass(frozen=True)
class StackFacts:
    """The stack on the default branch, what newservice has of it in shared files, and the branch that takes it out.

    ``edited`` are paths of the stack that are not as newservice writes them. ``pending`` are the removal branch's
    commits that the default branch lacks; ``cleared`` says that the stack is not on that branch.
    """

    base: str | None = None
    ours: bool = False
    paths: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    ending: Transition = NO_CHANGE
    branch: str | None = None
    pending: tuple[Commit, ...] = ()
    cleared: bool = False
    pull_request: PullRequest | None = None

    @property
    def spent(self) -> bool:
        """Whether the removal branch has nothing left to merge: it was merged, as it is or in one commit."""
        return self.branch is not None and (is_merged(self.pull_request, self.branch) or not self.pending)


def removal_branch(run: Run) -> str:
    """The branch that takes this service's stack out."""
    return f"{REMOVAL_PREFIX}{run.name}"


def observe_stack(run: Run) -> StackFacts:
    """Look at the default branch and at the removal branch, as the forge has them now."""
    return run.once(StackFacts, lambda: _observe(run))


def _observe(run: Run) -> StackFacts:
    run_parallel(run.infra_heads, lambda: _pull_request(run))
    heads, pull = run.infra_heads(), _pull_request(run)
    base, branch = heads.get(run.platform.infra.branch), heads.get(removal_branch(run))
    if base is None:
        return StackFacts()
    pending: tuple[Commit, ...] = ()
    if branch:
        pending = tuple(run.forgejo.commits(run.owner, run.infra_repository, branch, without=base))
    prefix, tree = run.project.stack_prefix, run.infra_tree(base)
    paths = tuple(tree.paths(prefix.rstrip("/")))
    cleared = branch is not None and not run.infra_tree(branch).paths(prefix.rstrip("/"))
    facts = StackFacts(base, paths=paths, branch=branch, pending=pending, cleared=cleared, pull_request=pull)
    if not of_tree(read_recorded(tree, prefix), run.name).ours:
        return facts
    found = [File(path, tree.read(path) or b"", tree.executable(path)) for path in paths]
    own = tuple(replace(file, path=file.path.removeprefix(prefix)) for file in found)
    start = End(own, tuple(run.project.registrations))
    ending = transition(start, NOTHING, tree, "infra", prefix, partial(run.project.versions.claimed, tree, run.name))
    return replace(facts, ours=True, edited=_edited(run, base, tree, found), ending=ending)


def _edited(run: Run, base: str, tree: Tree, found: Sequence[File]) -> tuple[str, ...]:
    """Paths of the stack that are neither as rendered, nor as one of the stack's commits says that it wrote them."""

    def rendered() -> Mapping[str, Blob]:
        return blobs(run.project.stack_files(run.project.infra_state(tree, list).facts), run.project.stack_prefix)

    if of_content((), blobs(found), rendered).untouched:
        return ()
    folder = run.project.stack_prefix.rstrip("/")
    touched = run.forgejo.commits(run.owner, run.infra_repository, base, path=folder)
    return of_content((commit.message for commit in touched), blobs(found), rendered).others


class StackRemoval(Removal[StackFacts]):
    """A commit without the stack and without its entries waits for review."""

    id = "infra.removal_commit"
    system = "forgejo"
    group = "infra"

    def observe(self, run: Run) -> StackFacts:
        """The stack on the default branch, and the removal branch."""
        return observe_stack(run)

    def decide(self, run: Run, facts: StackFacts) -> Decision:
        """An edited stack stays whole; an edited entry stays alone."""
        return decide_stack(run, facts)

    def act(self, run: Run, facts: StackFacts) -> str:
        """Commit on objects, beside every checkout, and push without force; or delete a branch that was merged."""
        branch = removal_branch(run)
        if not facts.ours:
            assert facts.branch is not None  # noqa: S101 - decide acts without a stack on a branch only
            run.infra.delete_branch(run.remote, run.infra_url, facts.branch, branch)
            return f"{branch} is deleted"
        assert facts.base is not None  # noqa: S101 - there is no stack without it
        run.bring(facts.base, run.platform.infra.branch)
        if facts.branch:
            run.bring(facts.branch, branch)
        spent = [facts.branch] if facts.branch else []
        ending = facts.ending
        sha = push_commit(run, branch, facts.base, ending.shared, _message(run, facts), spent, ending.removed)
        return f"{branch} at {sha[:8]}"

    def covers(self, run: Run, facts: StackFacts) -> Covered:  # noqa: ARG002
        """The stack's files and its entries in shared files, the edited ones too, which stay."""
        entries = (item for item in facts.ending.entries if item.action != "absent")
        return Covered(facts.ending.files, tuple(map(_shown, entries)))


class StackRemovalRequest(Removal[StackFacts]):
    """A pull request proposes that commit, and says what a person does first."""

    id = "infra.removal_request"
    system = "forgejo"
    group = "infra"

    def observe(self, run: Run) -> StackFacts:
        """The stack on the default branch, the removal branch and its pull request."""
        return observe_stack(run)

    def decide(self, run: Run, facts: StackFacts) -> Decision:
        """Open one where the stack is on its way out and none is open."""
        if not facts.ours or is_kept(decide_stack(run, facts)):
            return gone("nothing to propose")
        pull = facts.pull_request
        if pull is not None and pull.state == "open":
            return waits(pull.url, [_later(run)])
        default = run.platform.infra.branch
        return Decision(State.ABSENT, Action.CREATE, f"{removal_branch(run)} into {default}", to_do=(_later(run),))

    def act(self, run: Run, facts: StackFacts) -> Done:
        """Open it."""
        return ask_for(
            run,
            removal_branch(run),
            _title(run),
            "templates/removal.md.jinja",
            files=facts.ending.removed,
            taken=[item for item in facts.ending.entries if item.action == "remove"],
            left=[item for item in facts.ending.entries if item.action == "refuse"],
            merging=_applied(run, facts),
        )


def _shown(item: RegistrationChange) -> RegistrationChange:
    """An entry as plans show it: what can't be removed differs and stays."""
    return replace(item, action={"refuse": "update", "kept": "present"}.get(item.action, item.action))


def _applied(run: Run, facts: StackFacts) -> Checklist:
    """What is applied because it lost an entry, in the order of the onboarding backwards."""
    taken = {item.id for item in facts.ending.entries if item.action == "remove"}
    infra = run.platform.infra
    return after_removal(infra, to_apply(infra, (item for item in run.project.registrations if item.id in taken)))


def decide_stack(run: Run, facts: StackFacts) -> Decision:
    """The decision about the stack. Pure."""
    repository, branch, prefix = f"{run.owner}/{run.infra_repository}", removal_branch(run), run.project.stack_prefix
    default = run.platform.infra.branch
    if facts.base is None:
        return no_default_branch(run)
    if facts.paths and not facts.ours:
        return foreign(f"{prefix} exists in {repository} and was not made by newservice", "nothing of it is removed")
    made = of_branch(facts.pending, [f"{_title(run)}\n"])
    if facts.branch and not made.ours and not facts.spent:
        return foreign(f"{repository} has a branch {branch} that newservice did not make", "merge or delete it by hand")
    if not facts.ours:
        return _decide_leftover(run, facts, made.others)
    if facts.edited:
        by_hand = "take it out by hand, or put these files back first"
        return kept(f"{prefix} on {default}", [not_as_written(run, facts.edited)], by_hand)
    if facts.branch and not facts.spent:
        if facts.cleared:
            return waits(f"{branch} takes {prefix} out; it waits for review")
        return kept(branch, ["the stack is still on it"], "delete that branch, then run the same command again")
    entries = sum(item.action == "remove" for item in facts.ending.entries)
    left = [
        f"{item.path}: the entry of {item.id} stays, for {_why(item)}" for item in facts.ending.entries if item.refusal
    ]
    summary = f"{len(facts.ending.files)} files in {prefix} and {entries} registrations, by {branch}"
    return removable(summary + "".join(f"; {line}" for line in left), left)


def _decide_leftover(run: Run, facts: StackFacts, strangers: Sequence[str]) -> Decision:
    branch = removal_branch(run)
    if facts.branch is None:
        return gone(f"{run.project.stack_prefix} is not on {run.platform.infra.branch}")
    if strangers and not facts.spent:
        return kept(branch, [f"it has commits of others ({listed(strangers)})"])
    return removable(f"{branch}, which has nothing left to merge")


def _why(item: RegistrationChange) -> str:
    if unreadable(item):
        return "that file can't be edited as text"
    return "someone edited it" if item.refusal and item.refusal.code == "registration.edited" else "its place is gone"


def _pull_request(run: Run) -> PullRequest | None:
    return run.pull_request(removal_branch(run))


def _later(run: Run) -> str:
    return (
        "destroy the stack and merge the pull request as its text says; "
        f"then newservice remove {run.name} again, for what waits for that"
    )


def _title(run: Run) -> str:
    return f"chore({run.name}): remove the stack"


def _message(run: Run, facts: StackFacts) -> str:
    """The commit's message. It holds no free text from people: some words in one are commands to a CI."""
    taken = "".join(f"- {item.id}: {item.path}\n" for item in facts.ending.entries if item.action == "remove")
    return signed(_title(run), f"Taken out of:\n{taken}" if taken else "")
