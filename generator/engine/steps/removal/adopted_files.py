"""newservice's files in an adopted repository: a proposal is closed, and what was merged goes by a pull request.

What people edited stays, and so does everything else of the repository.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.clients.forgejo import Commit, PullRequest
from generator.clients.git import scratch_repository
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import of_branch, of_tree, signed
from generator.engine.plan import Action, Decision, State
from generator.engine.recorded import UNRECORDED, Recorded
from generator.engine.steps.adoption import commit
from generator.engine.steps.adoption.commit import adoption_branch
from generator.engine.steps.change.line import Line, Repository, service_repository
from generator.engine.steps.change.service import push_line
from generator.engine.steps.removal.base import Covered, Removal, gone, kept, listed, removable, waits
from generator.engine.steps.removal.proposal import made_of
from generator.engine.steps.removal.stack import removal_branch
from generator.infra_repo.tree_diff import FileChange
from generator.template.files import ANSWERS_FILE

TITLE = "ci({name}): no longer built by newservice"
"""The first line of the commit that takes the files out."""


@dataclass(frozen=True)
class FilesFacts:
    """newservice's files on the canonical branch, and its branches that propose to add or to remove them.

    ``ours``: the canonical branch records the service. ``paths`` are as newservice wrote them, ``edited`` are not.
    ``proposal`` and ``removal`` are the branches' commits, each with its newest pull request.
    """

    base: str = ""
    ours: bool = False
    recorded: Recorded = UNRECORDED
    paths: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    proposal: str = ""
    proposed: PullRequest | None = None
    added: tuple[Commit, ...] = ()
    removal: str = ""
    pull: PullRequest | None = None
    pending: tuple[Commit, ...] = ()


def observe_files(run: Run) -> FilesFacts:
    """Look at the branches of the adopted repository as the forge has them now."""
    return run.once(FilesFacts, lambda: _observe(run))


def _observe(run: Run) -> FilesFacts:
    if run.canonical_head() is None:
        return FilesFacts()
    found = service_repository(run)
    base = found.heads[found.default]
    proposal, removal = (found.heads.get(branch, "") for branch in (adoption_branch(run.name), removal_branch(run)))
    recorded = found.recorded(base)
    ours = of_tree(recorded, run.name).ours
    paths, edited = _written(run, recorded, base) if ours else ((), ())
    return FilesFacts(
        base=base,
        ours=ours,
        recorded=recorded,
        paths=paths,
        edited=edited,
        proposal=proposal,
        proposed=found.pull(adoption_branch(run.name)),
        added=_added(found, proposal, adoption_branch(run.name)),
        removal=removal,
        pull=found.pull(removal_branch(run)),
        pending=_added(found, removal, removal_branch(run)),
    )


def _added(found: Repository, head: str, branch: str) -> tuple[Commit, ...]:
    return tuple(found.pending(branch)) if head else ()


def _written(run: Run, recorded: Recorded, base: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paths of the canonical branch that are as newservice wrote them, and those that people have edited since."""
    made, found = made_of(run, recorded), run.forgejo.tree(run.owner, run.name, base)
    same = {path for path in made if path in found and (found[path].id == made[path].id or path == ANSWERS_FILE)}
    return tuple(sorted(same)), tuple(sorted(path for path in made if path in found and path not in same))


class ProposalRemoval(Removal[FilesFacts]):
    """The pull request that proposes the files is closed while nobody has merged it."""

    id = "service.adoption_request"
    system = "forgejo"
    group = "infra"

    def observe(self, run: Run) -> FilesFacts:
        """The branch and its pull request."""
        return observe_files(run)

    def decide(self, run: Run, facts: FilesFacts) -> Decision:
        """It goes with its branch, and stays with it."""
        pull = facts.proposed
        if pull is None or pull.state != "open":
            return gone("no pull request is open")
        if not facts.proposal or decide_proposal(run, facts).action is Action.DELETE:
            return removable(f"{pull.url} is closed")
        return kept(pull.url, [f"it proposes {adoption_branch(run.name)}"])

    def act(self, run: Run, facts: FilesFacts) -> str:
        """Close it, unmerged."""
        assert facts.proposed is not None  # noqa: S101 - decide acts on a pull request only
        run.forgejo.close_pull_request(run.owner, run.name, facts.proposed.number)
        return f"{facts.proposed.url} is closed"


class ProposalBranchRemoval(Removal[FilesFacts]):
    """The branch with the files, to which nobody but newservice has committed."""

    id = "service.adoption_commit"
    system = "forgejo"
    group = "infra"

    def observe(self, run: Run) -> FilesFacts:
        """The branch."""
        return observe_files(run)

    def decide(self, run: Run, facts: FilesFacts) -> Decision:
        """Ours goes; with someone else's commit it stays."""
        return decide_proposal(run, facts)

    def act(self, run: Run, facts: FilesFacts) -> str:
        """Delete it, if it is still at the commit that was seen."""
        return _delete(run, facts.proposal, adoption_branch(run.name))


def decide_proposal(run: Run, facts: FilesFacts) -> Decision:
    """The decision about the branch that proposes the files. Pure."""
    branch = adoption_branch(run.name)
    where = f"{branch} of {run.owner}/{run.name}"
    if not facts.proposal:
        return gone(f"{branch} does not exist")
    others = of_branch(facts.added, [commit.TITLE.format(name=run.name)])
    if not others.untouched:
        return kept(where, [f"it has commits of others ({listed(others.others)})"], "delete it if nobody needs it")
    return removable(f"{where}, as newservice pushed it")


def _delete(run: Run, sha: str, branch: str) -> str:
    url = run.platform.forgejo.clone_url(run.name)
    with scratch_repository() as scratch:
        scratch.delete_branch(run.remote, url, sha, branch)
    return f"{branch} is deleted"


class FilesRemoval(Removal[FilesFacts]):
    """A commit without newservice's files waits for review."""

    id = "service.removal_commit"
    system = "forgejo"
    group = "infra"

    def observe(self, run: Run) -> FilesFacts:
        """The canonical branch, and the branch that takes the files out."""
        return observe_files(run)

    def decide(self, run: Run, facts: FilesFacts) -> Decision:
        """What people edited stays, and is reported."""
        branch, where = removal_branch(run), f"{run.owner}/{run.name}"
        own = of_branch(facts.pending, [TITLE.format(name=run.name)])
        if facts.removal and not own.untouched:
            return kept(f"{branch} of {where}", [f"it has commits of others ({listed(own.others)})"])
        if not facts.ours:
            if not facts.removal:
                return gone(f"no file of newservice is in {where}")
            return removable(f"{branch} of {where}, which has nothing left to merge")
        if facts.removal and facts.pending:
            return waits(f"{branch} takes the files out of {where}; it waits for review")
        left = [f"{path} of {where} stays, for someone edited it" for path in facts.edited]
        return removable(f"{', '.join(facts.paths)} of {where}, by {branch}" + "".join(f"; {it}" for it in left), left)

    def act(self, run: Run, facts: FilesFacts) -> str:
        """Commit and push without force; or delete a branch that was merged."""
        branch, default = removal_branch(run), run.platform.forgejo.branch
        if not facts.ours:
            return _delete(run, facts.removal, branch)
        parents = (facts.base, *([facts.removal] if facts.removal else []))
        line = Line(branch, default, parents, facts.base)
        sha = push_line(run, line, (), facts.paths, signed(TITLE.format(name=run.name)))
        return f"{branch} at {sha[:8]}"

    def covers(self, run: Run, facts: FilesFacts) -> Covered:  # noqa: ARG002
        """The files, while they are on the canonical branch."""
        return Covered(tuple(FileChange("service", path, "delete", None, None) for path in facts.paths))


class FilesRemovalRequest(Removal[FilesFacts]):
    """A pull request proposes that commit."""

    id = "service.removal_request"
    system = "forgejo"
    group = "infra"

    def observe(self, run: Run) -> FilesFacts:
        """The branch and its pull request."""
        return observe_files(run)

    def decide(self, run: Run, facts: FilesFacts) -> Decision:
        """Open one where the files are on their way out and none is open."""
        later = f"merge it, then newservice remove {run.name} again, for what waits for that"
        if not facts.ours:
            return gone("nothing to propose")
        if facts.pull is not None and facts.pull.state == "open":
            return waits(facts.pull.url, [later])
        return Decision(
            State.ABSENT, Action.CREATE, f"{removal_branch(run)} into {run.platform.forgejo.branch}", to_do=(later,)
        )

    def act(self, run: Run, facts: FilesFacts) -> Done:  # noqa: ARG002
        """Open it."""
        base, head, title = run.platform.forgejo.branch, removal_branch(run), TITLE.format(name=run.name)
        text = "The files that newservice added go; everything else of this repository stays.\n\nMade by newservice.\n"
        run.forgejo.create_pull_request(run.owner, run.name, base=base, head=head, title=title, body=text)
        opened = run.fresh()
        made = opened.forgejo.newest_pull_request(run.owner, run.name, base, head)
        return Done(made.url if made else head, opened.since)
