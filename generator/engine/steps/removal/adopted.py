"""An adopted repository: newservice's files go by a pull request, then what it added, last its marks.

Repository, history, and what existed before the adoption stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from generator.base.memo import run_parallel
from generator.clients.forgejo import Commit, PullRequest, PushMirror
from generator.clients.git import scratch_repository
from generator.clients.github import Mirror
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import (
    LINK_PART,
    REGISTRATION_PART,
    Adoption,
    adopted_mirror,
    adoption_of,
    is_adopted_mirror,
    of_branch,
    of_mirror,
    of_tree,
    signed,
)
from generator.engine.plan import Action, Decision, State
from generator.engine.recorded import UNRECORDED, Recorded
from generator.engine.steps.adoption import commit
from generator.engine.steps.adoption.commit import adoption_branch
from generator.engine.steps.change.line import Line, Repository, service_repository
from generator.engine.steps.change.service import push_line
from generator.engine.steps.forgejo import lost_on_github
from generator.engine.steps.github import mirror_description
from generator.engine.steps.removal import mirror
from generator.engine.steps.removal.base import Covered, Removal, gone, kept, listed, removable, waits
from generator.engine.steps.removal.mirror import MirrorLinkRemoval, MirrorRemoval, RegistrationRemoval
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


def _adoption(run: Run) -> Adoption | None:
    """What the repository's description says of its adoption."""
    repository = run.canonical()
    return adoption_of(repository.description) if repository else None


def _stays(what: str, reason: str = "it existed before newservice") -> Decision:
    return Decision(State.PRESENT, Action.NONE, f"{what} stays: {reason}")


_UNMARKED = "no description says that newservice adopted it"


class AdoptedLinkRemoval(MirrorLinkRemoval):
    """The push mirror, where newservice added it."""

    def observe(self, run: Run) -> tuple[PushMirror, ...]:
        """The same, with the repository that says what existed before."""
        run_parallel(run.canonical, run.push_mirrors)
        return super().observe(run)

    def decide(self, run: Run, facts: tuple[PushMirror, ...]) -> Decision:
        """One that existed before stays."""
        adoption, what = _adoption(run), f"the push mirror to {run.mirror}"
        if facts and (adoption is None or LINK_PART in adoption.before):
            return _stays(what) if adoption else _stays(what, _UNMARKED)
        return super().decide(run, facts)


class AdoptedRegistrationRemoval(RegistrationRemoval):
    """The registration, where newservice added it."""

    def observe(self, run: Run) -> mirror.RegistrationFacts:
        """The same, with the repository that says what existed before."""
        run.canonical()
        return super().observe(run)

    def decide(self, run: Run, facts: mirror.RegistrationFacts) -> Decision:
        """One that existed before stays."""
        adoption, what = _adoption(run), f"the registration of {run.mirror}"
        if facts.registration and (adoption is None or REGISTRATION_PART in adoption.before):
            return _stays(what) if adoption else _stays(what, _UNMARKED)
        return super().decide(run, facts)


class AdoptedMirrorRemoval(MirrorRemoval):
    """The mirror goes where newservice made it; else its mark does."""

    def observe(self, run: Run) -> mirror.MirrorFacts:
        """What it holds beside a copy of every branch."""
        found = run.mirror_repository()
        if found is None or found.description != mirror_description(run):
            return mirror.MirrorFacts(found, secrets=run.mirror_secrets() if found else frozenset())
        facts, lost = super().observe(run), lost_on_github(run)
        own = {name: sha for name, sha in facts.heads.items() if sha == facts.canonical or f"branch {name}" in lost}
        return replace(facts, heads=own)

    def decide(self, run: Run, facts: mirror.MirrorFacts) -> Decision:
        """One that people made stays, with its Actions secrets."""
        found = facts.mirror
        if found is None or found.description == mirror_description(run):
            return super().decide(run, facts)
        if not of_mirror(found, mirror_description(run)).ours:
            return _stays(run.mirror, _UNMARKED)
        secrets = sorted(facts.secrets & run.answers.actions_secrets.keys())
        left = [f"{run.mirror} keeps the Actions secrets {', '.join(secrets)}: delete them there if nobody needs them"]
        return removable(f"the mark of {run.mirror}; the repository itself stays", left if secrets else ())

    def act(self, run: Run, facts: mirror.MirrorFacts) -> str:
        """Delete it, or give it its own description back."""
        found = facts.mirror
        if found is None or not is_adopted_mirror(found, mirror_description(run)):
            return super().act(run, facts)
        run.github.describe(run.mirror, own_description(run, found))
        return f"{run.mirror} is no longer marked"


def own_description(run: Run, found: Mirror) -> str:
    """The description of a mirror without newservice's mark."""
    return found.description.removesuffix(adopted_mirror("", mirror_description(run))).rstrip()


@dataclass(frozen=True)
class MarkFacts:
    """The canonical repository's description, and what it says of an adoption."""

    exists: bool = False
    adoption: Adoption | None = None


class MarkRemoval(Removal[MarkFacts]):
    """The mark in the repository's description, last of all; the repository stays."""

    id = "forgejo.repository"
    system = "forgejo"
    group = "repository"

    def observe(self, run: Run) -> MarkFacts:
        """The repository's description."""
        return MarkFacts(run.canonical() is not None, _adoption(run))

    def decide(self, run: Run, facts: MarkFacts) -> Decision:
        """Only the mark goes."""
        where = f"{run.owner}/{run.name}"
        if not facts.exists:
            return gone(f"{where} does not exist")
        if facts.adoption is None:
            return _stays(where, _UNMARKED)
        return removable(f"the mark of {where}; the repository stays, with its history")

    def act(self, run: Run, facts: MarkFacts) -> str:
        """Give it its own description back."""
        assert facts.adoption is not None  # noqa: S101 - decide acts on a mark only
        run.forgejo.describe(run.owner, run.name, facts.adoption.own)
        return f"{run.owner}/{run.name} is no longer marked"
