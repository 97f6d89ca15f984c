"""Where the change of a tree begins: the default branch, or the branch on which an earlier one waits for review."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from generator.base.memo import Memo
from generator.clients.forgejo import Commit, Forgejo, PullRequest
from generator.engine.change import carried, change_branch
from generator.engine.context import Run
from generator.engine.ownership import of_branch, of_tree
from generator.engine.recorded import UNRECORDED, Recorded, read_recorded
from generator.engine.steps.infra_branch import is_merged, unmergeable
from generator.infra_repo.trees import Listing

TITLE = "chore({name}): change "
"""Begins the first line of the commits that change a service; the questions follow."""


def change_title(name: str, questions: Iterable[str]) -> str:
    """The first line of a commit that changes a service. It holds no free text: some words are commands to a CI."""
    return TITLE.format(name=name) + (", ".join(dict.fromkeys(questions)) or "its files")


_AFTER = "After pull request "
"""Says in a message that its commit begins a branch again."""


def after(pull: PullRequest) -> str:
    """How a commit says that the branch begins again: an earlier pull request says nothing about what follows."""
    return f"{_AFTER}{pull.number}."


def begins_again(pull: PullRequest, commits: Iterable[Commit]) -> bool:
    """Whether one of a branch's commits came after that pull request."""
    return any(after(pull) in commit.message for commit in commits)


def continues(commit: Commit, earlier: Commit, name: str) -> bool:
    """Whether a merged commit was added to the pull request of the ``earlier`` one, the next on the record."""
    return _AFTER not in commit.message and of_branch((commit, earlier), [TITLE.format(name=name)]).untouched


@dataclass(frozen=True)
class Line:
    """What a change of one tree begins with.

    ``branch`` is where it is committed: on ``parents``, the first of which it continues, with the files of commit
    ``tree`` and what that records (``origin``). ``recorded`` is what the branch says, or the default branch where none
    waits. ``merged`` is what the default branch says. ``waits``: the branch has commits to be merged. ``stuck`` are
    files in which it can no longer be merged, or not as they are: what the stack records has changed since on the
    default branch, and ``recorded`` is brought onto that. ``others`` are its commits of other people.
    """

    branch: str
    default: str
    parents: tuple[str, ...] = ()
    tree: str = ""
    origin: Recorded = UNRECORDED
    recorded: Recorded = UNRECORDED
    merged: Recorded = UNRECORDED
    waits: bool = False
    pull: PullRequest | None = None
    stuck: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def proposed(self) -> bool:
        """Whether an open pull request proposes the branch."""
        return self.pull is not None and self.pull.state == "open"


@dataclass(frozen=True)
class Repository:
    """A repository on the forge, and the tree below ``prefix`` in it that is a ``service``'s.

    ``heads``: commits by branch. ``tree`` reads a commit. What is looked at once is remembered.
    """

    forgejo: Forgejo
    owner: str
    name: str
    service: str
    default: str
    prefix: str
    heads: Mapping[str, str]
    tree: Callable[[str], Listing]
    _seen: Memo = field(default_factory=Memo)

    def recorded(self, sha: str) -> Recorded:
        """What a commit records."""
        return self._seen.look(("recorded", sha), lambda: read_recorded(self.tree(sha), self.prefix))

    def pull(self, branch: str) -> PullRequest | None:
        """The newest pull request of a branch, in any state."""
        look = partial(self.forgejo.newest_pull_request, self.owner, self.name, self.default, branch)
        return self._seen.look(("pull request", branch), look)

    def pending(self, branch: str) -> list[Commit]:
        """The commits that a branch adds."""
        sha, base = self.heads[branch], self.heads[self.default]
        look = partial(self.forgejo.commits, self.owner, self.name, sha, without=base)
        return self._seen.look(("pending", branch), look)

    def line(self, paths: Sequence[str], first: str = "", *, brief: bool = False) -> Line:
        """Where a change begins. ``first``: the branch on which the tree itself waits, as long as it is not merged.

        ``paths`` are the files that it may change. ``brief``: of ``first`` what it records is enough.
        """
        name = self.service
        base, branch = self.heads.get(self.default), change_branch(name)
        if base is None:
            return Line(branch, self.default)
        merged = self.recorded(base)
        begun = Line(branch, self.default, (base,), base, merged, merged, merged)
        if first in self.heads and not of_tree(merged, name).ours:
            if brief:
                recorded = self.recorded(self.heads[first])
                return replace(begun, branch=first, origin=recorded, recorded=recorded, waits=True)
            return self._waiting(first, begun, paths)
        if branch not in self.heads:
            return begun
        pull, pending, head = self.pull(branch), self.pending(branch), self.heads[branch]
        over = pull is not None and (is_merged(pull, head) or (pull.state == "closed" and not pull.merged))
        if not pending or (over and pull and not begins_again(pull, pending)):
            return Line(branch, self.default, (base, head), base, merged, merged, merged)
        return self._waiting(branch, begun, paths)

    def _waiting(self, branch: str, begun: Line, paths: Sequence[str]) -> Line:
        """The line of a branch that waits: it goes on there or, where only newservice's is stuck, from the default."""
        head, base = self.heads[branch], begun.tree
        recorded, pull = self.recorded(head), self.pull(branch)
        others = of_branch(self.pending(branch), [TITLE.format(name=self.service)]).others
        stuck, common = unmergeable(self.tree, head, _parted(pull), base, paths), self._common(pull, base)
        moved = of_tree(common, self.service).ours and common.document != begun.merged.document
        if moved and not others:
            recorded = carried(common, begun.merged, recorded)
            stuck = stuck or (recorded.place,)
        parents: tuple[str, ...] = (head,)
        tree, origin = head, recorded
        if stuck and not others:
            parents, tree, origin = (head, base), base, begun.merged
        return Line(branch, self.default, parents, tree, origin, recorded, begun.merged, True, pull, stuck, others)

    def _common(self, pull: PullRequest | None, base: str) -> Recorded:
        """What both sides recorded when they parted; nothing where that is not known, or the default branch has not
        moved."""
        common = _parted(pull)
        return UNRECORDED if common in ("", base) else self.recorded(common)


def _parted(pull: PullRequest | None) -> str:
    """The commit at which an open pull request's branch parted; an earlier one parted elsewhere."""
    return pull.merge_base if pull and pull.state == "open" else ""


def remark(run: Run, repository: str, line: Line) -> str:
    """What the message of a line's commit says about the branch's earlier pull request, if there is one."""
    if line.waits:
        return ""
    pull = run.forgejo.newest_pull_request(run.owner, repository, line.default, line.branch)
    return f"{after(pull)}\n\n" if pull else ""


def infra_repository(run: Run) -> Repository:
    """The infra repository with the service's stack, as seen in this pass."""
    branch, prefix = run.platform.infra.branch, run.project.stack_prefix
    repository, heads = run.infra_repository, run.infra_heads()
    return Repository(run.forgejo, run.owner, repository, run.name, branch, prefix, heads, run.infra_tree)


def service_repository(run: Run) -> Repository:
    """The service's own repository, as seen in this pass."""
    heads, branch = run.forgejo.branches(run.owner, run.name), run.platform.forgejo.branch
    return Repository(run.forgejo, run.owner, run.name, run.name, branch, "", heads, run.canonical_commit)
