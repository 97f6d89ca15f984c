"""A stack that was merged: a commit that takes it out, on a branch of its own, and a pull request. Never the default
branch itself: somebody has to destroy what was applied first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.base.memo import together
from generator.clients.forgejo import Commit, PullRequest
from generator.engine.context import Run
from generator.engine.ownership import of_branch, of_tree, signed
from generator.engine.plan import Action, Decision, State
from generator.engine.recorded import read_recorded
from generator.engine.steps.base import foreign
from generator.engine.steps.removal.base import Covered, Removal, gone, is_kept, kept, listed, removable, waits
from generator.engine.steps.removal.branch import not_as_written
from generator.infra_repo.fingerprints import blob_id, sealed
from generator.infra_repo.tree_diff import (
    FileChange,
    RegistrationChange,
    compare,
    compare_unregistered,
    registered_files,
)
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
    files: tuple[FileChange, ...] = ()
    registrations: tuple[RegistrationChange, ...] = ()
    branch: str | None = None
    pending: tuple[Commit, ...] = ()
    cleared: bool = False
    pull_request: PullRequest | None = None

    @property
    def spent(self) -> bool:
        """Whether the removal branch brings nothing any more: it was merged, as it stands or in one commit."""
        merged = self.pull_request is not None and self.pull_request.merged and self.pull_request.head == self.branch
        return self.branch is not None and (merged or not self.pending)


def removal_branch(run: Run) -> str:
    """The branch that takes this service's stack out."""
    return f"{REMOVAL_PREFIX}{run.name}"


def observe_stack(run: Run) -> StackFacts:
    """Look at the default branch and at the removal branch, as the forge has them now."""
    found = together(run.infra_heads, lambda: _pull_request(run))
    pull = found[1] if isinstance(found[1], PullRequest) else None
    heads, default = run.infra_heads(), run.platform.data["infra"]["branch"]
    base, branch = heads.get(default), heads.get(removal_branch(run))
    if base is None:
        return StackFacts()
    pending: tuple[Commit, ...] = ()
    if branch:
        pending = tuple(run.forgejo.commits(run.owner, run.infra_repository, branch, without=base))
    prefix, tree = run.project.stack_prefix, run.infra_tree(base)
    paths = tuple(tree.paths(prefix.rstrip("/")))
    ours = of_tree(read_recorded(tree, prefix), run.name).ours
    cleared = branch is not None and not run.infra_tree(branch).paths(prefix.rstrip("/"))
    if not ours:
        return StackFacts(base, False, paths, branch=branch, pending=pending, cleared=cleared, pull_request=pull)
    wanted = run.project.stack_files(run.project.infra_state(tree, list).facts)
    compared = compare("infra", wanted, tree, prefix)
    edited = [item.path for item in compared if item.before != item.file.content]
    edited += sorted(set(paths) - {item.path for item in compared})
    if edited and _sealed(run, base, {path: blob_id(tree.read(path) or b"") for path in paths}):
        edited = []  # an older template wrote them, and nobody has changed them since
    files = tuple(FileChange("infra", path, "delete", tree.read(path), File(path, b"")) for path in paths)
    registrations = tuple(compare_unregistered(run.project.registrations, tree))
    return StackFacts(base, True, paths, tuple(edited), files, registrations, branch, pending, cleared, pull)


def _sealed(run: Run, base: str, ids: dict[str, str]) -> bool:
    """Whether one of the commits that touched the stack says that newservice wrote these very files."""
    folder = run.project.stack_prefix.rstrip("/")
    touched = run.forgejo.commits(run.owner, run.infra_repository, base, path=folder)
    return any(sealed(commit.message, ids) for commit in touched)


class StackRemoval(Removal[StackFacts]):
    """A commit without the stack and without its entries waits for review."""

    id = "infra.removal_commit"
    system = "forgejo"
    group = "infra"

    def observe(self, run: Run) -> StackFacts:
        """Both branches."""
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
        run.bring(facts.base, run.platform.data["infra"]["branch"])
        if facts.branch:
            run.bring(facts.branch, branch)
        files, removed = registered_files(facts.registrations), [item.path for item in facts.files]
        # A spent branch is a second parent: the push stays a fast-forward, whichever way it was merged.
        spent = [facts.branch] if facts.branch else []
        sha = run.infra.commit_onto(facts.base, files, _message(run, facts), spent, removed)
        run.infra.push(run.remote, run.infra_url, sha, branch)
        return f"{branch} at {sha[:8]}"

    def covers(self, run: Run, facts: StackFacts) -> Covered:  # noqa: ARG002
        """The stack's files and its entries in shared files, the edited ones too, which stay."""
        return Covered(facts.files, tuple(item for item in facts.registrations if item.action != "absent"))


class StackRemovalRequest(Removal[StackFacts]):
    """A pull request asks for that commit, and says what a person does first."""

    id = "infra.removal_request"
    system = "forgejo"
    group = "infra"

    def observe(self, run: Run) -> StackFacts:
        """Both branches and the pull request."""
        return observe_stack(run)

    def decide(self, run: Run, facts: StackFacts) -> Decision:
        """Open one where the stack is on its way out and none is open."""
        if not facts.ours or is_kept(decide_stack(run, facts)):
            return gone("nothing to ask for")
        pull = facts.pull_request
        if pull is not None and pull.state == "open":
            return waits(pull.url, [_later(run)])
        default = run.platform.data["infra"]["branch"]
        return Decision(State.ABSENT, Action.CREATE, f"{removal_branch(run)} into {default}", to_do=(_later(run),))

    def act(self, run: Run, facts: StackFacts) -> str:
        """Open it."""
        infra, branch = run.platform.data["infra"], removal_branch(run)
        body = run.project.template.render(
            "[% include 'templates/removal.md.jinja' %]",
            {
                **run.answers.context,
                "files": [item.path for item in facts.files],
                "taken": [item for item in facts.registrations if item.action == "remove"],
                "left": [item for item in facts.registrations if item.action == "update"],
                "apply": _applied(run, facts),
            },
        )
        run.forgejo.create_pull_request(
            run.owner, infra["repository"], base=infra["branch"], head=branch, title=_title(run), body=body
        )
        found = _pull_request(run)
        return found.url if found else branch


def _applied(run: Run, facts: StackFacts) -> list[str]:
    """What a person applies because it lost an entry, in the order of the onboarding backwards."""
    taken = {item.id for item in facts.registrations if item.action == "remove"}
    noted = sorted((item.order, item.apply_note) for item in run.project.registrations if item.id in taken)
    return list(dict.fromkeys(note for _, note in reversed(noted) if note))


def decide_stack(run: Run, facts: StackFacts) -> Decision:
    """What becomes of the stack; pure."""
    repository, branch, prefix = f"{run.owner}/{run.infra_repository}", removal_branch(run), run.project.stack_prefix
    default = run.platform.data["infra"]["branch"]
    if facts.base is None:
        return foreign(
            f"{repository} has no branch {default}",
            "correct infra.repository and infra.branch in the platform profile",
        )
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
    entries = sum(item.action == "remove" for item in facts.registrations)
    left = [
        f"{item.path}: the entry of {item.id} stays, for {_why(item)}" for item in facts.registrations if item.refusal
    ]
    told = f"{len(facts.files)} files in {prefix} and {entries} registrations, by {branch}"
    return removable(told + "".join(f"; {line}" for line in left), left)


def _decide_leftover(run: Run, facts: StackFacts, strangers: Sequence[str]) -> Decision:
    branch = removal_branch(run)
    if facts.branch is None:
        return gone(f"{run.project.stack_prefix} is not on {run.platform.data['infra']['branch']}")
    if strangers and not facts.spent:
        return kept(branch, [f"it has commits of others ({listed(strangers)})"])
    return removable(f"{branch}, which brings nothing any more")


def _why(item: RegistrationChange) -> str:
    return "somebody edited it" if item.refusal and item.refusal.code == "registration.edited" else "its place is gone"


def _pull_request(run: Run) -> PullRequest | None:
    infra = run.platform.data["infra"]
    return run.forgejo.pull_request(run.owner, infra["repository"], infra["branch"], removal_branch(run))


def _later(run: Run) -> str:
    return (
        "destroy the stack and merge the pull request as its text says; "
        f"then newservice remove {run.name} again, for what waits for that"
    )


def _title(run: Run) -> str:
    return f"chore({run.name}): remove the stack"


def _message(run: Run, facts: StackFacts) -> str:
    """No free text of anybody's: some words in a commit's message are commands to a CI."""
    taken = "".join(f"- {item.id}: {item.path}\n" for item in facts.registrations if item.action == "remove")
    return signed(_title(run), f"Taken out of:\n{taken}" if taken else "")
