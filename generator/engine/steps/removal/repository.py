"""The canonical repository: it goes while its history is newservice's alone, and nothing else hangs on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from generator.base.memo import run_parallel
from generator.clients.forgejo import Activity, Commit, Repository
from generator.engine.context import Run
from generator.engine.executor import WithheldError
from generator.engine.ownership import MARK, of_content, of_references, of_repository
from generator.engine.plan import Action, Decision, State
from generator.engine.recorded import UNRECORDED, Recorded
from generator.engine.steps.base import foreign
from generator.engine.steps.forgejo import our_mirrors
from generator.engine.steps.removal.base import Covered, Removal, gone, kept, listed, removable, unseen
from generator.engine.steps.removal.proposal import (
    MOST_COMMITS,
    Proposals,
    made_of,
    merged_changes,
    observe_proposals,
    of_others,
)
from generator.engine.steps.service import first_title
from generator.infra_repo.fingerprints import Blob
from generator.infra_repo.tree_diff import FileChange

_BEING_REMOVED = "(being removed)"
REMOVING = f" {_BEING_REMOVED}{MARK}"
"""Ends the description of a repository that newservice has archived to delete it: so the next run goes on with it."""


@dataclass(frozen=True)
class RepositoryFacts:
    """The canonical repository and all that people may have added to it.

    ``tagged`` are the commits of its tags, by name; ``elsewhere`` the push mirrors to other places than ours.
    """

    repository: Repository | None = None
    recorded: Recorded = UNRECORDED
    commits: tuple[Commit, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    tagged: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Blob] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()
    activity: Activity | None = None
    proposals: Proposals = field(default_factory=Proposals)


class RepositoryRemoval(Removal[RepositoryFacts]):
    """The canonical repository, while it holds newservice's own commits and nothing else."""

    id = "forgejo.repository"
    system = "forgejo"
    group = "repository"

    def observe(self, run: Run) -> RepositoryFacts:
        """Repository, history, references, files, mirrors, and what people made of it."""
        repository = run.canonical()
        forgejo, owner, name = run.forgejo, run.owner, run.name
        if repository is None:
            if forgejo.push_mirrors(owner, name) is not None or run.canonical_head() is not None:
                raise unseen(f"{owner}/{name}", "forgejo")  # that it is gone would take everything else with it
            return RepositoryFacts()
        run_parallel(run.canonical_answers, run.canonical_head, run.push_mirrors)
        head = run.canonical_head()
        references = forgejo.references(owner, name)
        activity = forgejo.activity(owner, name)
        if activity is None or references.get(f"refs/heads/{run.platform.forgejo.branch}") != head:
            raise unseen(f"{owner}/{name}", "forgejo")
        mirrors = run.push_mirrors()
        ours = our_mirrors(run, mirrors)
        return RepositoryFacts(
            repository,
            run.canonical_answers(),
            tuple(forgejo.commits(owner, name, head, limit=MOST_COMMITS)) if head else (),
            references,
            {tag: self._commit_of(run, tag) for tag in references if tag.startswith("refs/tags/")},
            forgejo.tree(owner, name, head) if head else {},
            tuple(item.address for item in mirrors if item not in ours),
            activity,
            observe_proposals(run, references, head),
        )

    def decide(self, run: Run, facts: RepositoryFacts) -> Decision:
        """Someone else's is refused; ours stays as soon as anything in it is not newservice's."""
        where = f"{run.owner}/{run.name}"
        if facts.repository is None:
            return gone(f"{where} does not exist")
        empty = facts.repository.empty and not facts.references  # Forgejo's own flag may lag behind
        if not of_repository(facts.repository, facts.recorded, run.name, empty=empty).ours:
            return foreign(
                f"{where} exists and was not made by newservice for this service",
                "nothing of it is removed; remove by hand what is yours",
            )
        reasons = [*_settings(facts), *(() if empty else _history(run, facts)), *_additions(run, facts)]
        if reasons:
            return kept(where, reasons, "delete it on Forgejo if nobody needs it")
        return removable(f"{where}, {'empty' if empty else 'as newservice pushed it'}")

    def act(self, run: Run, facts: RepositoryFacts) -> str:
        """Close it to pushes, look once more, and delete it; open it again where that look found anything."""
        assert facts.repository is not None  # noqa: S101 - decide acts on a repository only
        summary, before = f"{run.owner}/{run.name} is deleted", facts.repository.description.removesuffix(REMOVING)
        description = before if before.endswith(MARK) else f"{before}{MARK}"
        if not facts.repository.archived:
            marked = f"{description.removesuffix(MARK)}{REMOVING}"
            run.forgejo.set_archived(run.owner, run.name, archived=True, description=marked)
        view = run.fresh()
        last = self.decide(view, self.observe(view))
        if last.state is State.ABSENT:
            return summary
        if last.action is not Action.DELETE:
            run.forgejo.set_archived(run.owner, run.name, archived=False, description=description)
            raise WithheldError(last if last.action is Action.NONE else kept(f"{run.owner}/{run.name}", [last.summary]))
        run.forgejo.delete_repository(run.owner, run.name)
        return summary

    def covers(self, run: Run, facts: RepositoryFacts) -> Covered:  # noqa: ARG002
        """Its files."""
        return Covered(tuple(FileChange("service", path, "delete", None, None) for path in facts.files))

    def _commit_of(self, run: Run, reference: str) -> str:
        """The commit of a tag, which may be an object of its own."""
        found = run.forgejo.commits(run.owner, run.name, reference.removeprefix("refs/tags/"), limit=1)
        return found[0].id if found else ""


def _settings(facts: RepositoryFacts) -> Iterator[str]:
    assert facts.repository is not None  # noqa: S101 - called only where it exists
    removing = facts.repository.description.endswith(REMOVING)
    if facts.repository.archived and not removing:
        yield "it was archived"
    if removing and not facts.repository.archived:
        yield f"someone opened it again while it was being removed (take '{_BEING_REMOVED}' out of its description)"
    if not facts.repository.description.endswith(MARK):
        yield f"its description no longer ends with '{MARK.strip()}'"


def _history(run: Run, facts: RepositoryFacts) -> Iterator[str]:
    """What is in git beside newservice's commits."""
    if not facts.commits:
        yield f"it has no branch {run.platform.forgejo.branch}"
        return
    *later, commit = facts.commits
    if commit.parents or not merged_changes(run, tuple(later)):
        yield "there are later commits"
        return
    if not commit.message.startswith(f"{first_title(run)}\n"):
        yield "its commit is not newservice's"
    elif changed := of_content([commit.message], facts.files, lambda: made_of(run, facts.recorded)).others:
        yield f"files are not as newservice committed them ({listed(changed)})"
    ours = {f"refs/heads/{run.platform.forgejo.branch}": facts.commits[0].id}
    if facts.proposals.head:
        ours[f"refs/heads/{facts.proposals.branch}"] = facts.proposals.head
    heads = {name: sha for name, sha in facts.references.items() if name.startswith("refs/heads/")}
    others = [name for name in of_references(ours, heads).others if name not in ours]
    if others:
        yield f"there are other branches ({listed(name.removeprefix('refs/heads/') for name in others)})"
    own = {commit.id for commit in facts.commits}
    tags = [name for name, sha in facts.tagged.items() if sha not in own]
    if tags:
        yield f"there are tags on other commits ({listed(name.removeprefix('refs/tags/') for name in tags)})"


def _additions(run: Run, facts: RepositoryFacts) -> Iterator[str]:
    """What hangs on it beside git."""
    asked = {name.split("/")[2] for name in facts.references if name.startswith("refs/pull/")}
    if asked - set(map(str, facts.proposals.pulls)):
        yield "there are pull requests"
    yield from of_others(run, facts.proposals)
    if facts.elsewhere:
        yield f"it is mirrored elsewhere, too ({listed(facts.elsewhere)})"
    activity = facts.activity
    if activity is None:
        yield "what people made of it can't be seen"
        return
    counted = {
        "issues or pull requests, open or closed": activity.issues and not facts.proposals.issues,
        "its issues switched off, so that old ones can't be seen": activity.untracked,
        "releases": activity.releases,
        "forks": activity.forks,
        "webhooks": activity.webhooks,
        "wiki pages": activity.wiki,
    }
    yield from (f"it has {what}" for what, number in counted.items() if number)
