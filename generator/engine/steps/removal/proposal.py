"""What changes leave in a service's repository: the branch and the pull requests, which are newservice's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from generator.base.errors import AnswersError, RefusedError
from generator.clients.forgejo import Commit, Issue
from generator.engine.change import change_branch
from generator.engine.commits import RemoteCommit
from generator.engine.context import Run
from generator.engine.ownership import of_branch
from generator.engine.recorded import UNRECORDED, Recorded, read_recorded
from generator.engine.steps.change.line import TITLE
from generator.engine.steps.removal.base import listed
from generator.infra_repo.fingerprints import Blob, blobs, differing
from generator.template.files import File

MOST_COMMITS = 50
"""A branch with more commits is not newservice's own."""


@dataclass(frozen=True)
class Proposals:
    """The branch of a change with the ``commits`` that it adds, and the numbers of ``pulls`` that changes opened.

    ``issues`` are the newest issues and pull requests of the repository, of whomever.
    """

    branch: str = ""
    head: str | None = None
    commits: tuple[Commit, ...] = ()
    recorded: Recorded = UNRECORDED
    files: Mapping[str, Blob] = field(default_factory=dict)
    pulls: frozenset[int] = frozenset()
    issues: tuple[Issue, ...] = ()


def observe_proposals(run: Run, references: Mapping[str, str], base: str | None) -> Proposals:
    """Look at what the references lead to; takes requests only where a change left something."""
    forgejo, owner, name, branch = run.forgejo, run.owner, run.name, change_branch(run.name)
    head = references.get(f"refs/heads/{branch}")
    if head is None and not any(reference.startswith("refs/pull/") for reference in references):
        return Proposals(branch)
    opened = [pull for pull in forgejo.pull_requests(owner, name) if pull.branch == branch]
    pulls, issues = frozenset(pull.number for pull in opened), tuple(forgejo.issues(owner, name))
    if head is None or base is None:
        return Proposals(branch, pulls=pulls, issues=issues)
    commits = tuple(forgejo.commits(owner, name, head, without=base, limit=MOST_COMMITS))
    recorded = read_recorded(RemoteCommit(forgejo, owner, name, head))
    return Proposals(branch, head, commits, recorded, forgejo.tree(owner, name, head), pulls, issues)


def of_others(run: Run, found: Proposals) -> Iterator[str]:
    """What people made of the proposals, or beside them."""
    if found.head and found.commits:
        strangers = of_branch(found.commits, [TITLE.format(name=run.name)]).others
        if strangers or len(found.commits) >= MOST_COMMITS:
            yield f"{found.branch} has commits of others ({listed(strangers)})"
        elif changed := differing(made_of(run, found.recorded), found.files):
            yield f"files on {found.branch} are not as newservice committed them ({listed(changed)})"
    beside = [issue for issue in found.issues if issue.number not in found.pulls]
    if beside:
        yield "it has issues or pull requests, open or closed"
    elif any(issue.comments for issue in found.issues):
        yield "people commented on its pull requests"


def made_of(run: Run, recorded: Recorded) -> dict[str, Blob]:
    """The files that the recorded answers make, by path."""
    return blobs(made_files(run, recorded))


def made_files(run: Run, recorded: Recorded) -> tuple[File, ...]:
    """The files that the recorded answers make, by the version that recorded them."""
    number = recorded.values.get("woodpecker_repo_id")
    try:
        maker = run.project.versions.made_by(recorded)
        return maker.files(maker.answers(recorded))
    except (RefusedError, AnswersError):  # it can't be rendered again: as this run's answers make them
        return run.project.service_files(number if isinstance(number, int) else 0)


def merged_changes(run: Run, commits: tuple[Commit, ...]) -> bool:
    """Whether commits are those of changes and of their merges, and no one else's."""
    own = [commit for commit in commits if len(commit.parents) < 2]
    return of_branch(own, [TITLE.format(name=run.name)]).untouched
