"""Repository and mirror that people began: both stay as they are, and their descriptions say who looks after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from generator.base.memo import run_parallel
from generator.clients.forgejo import Repository
from generator.clients.github import Mirror
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import (
    LINK_PART,
    REGISTRATION_PART,
    Adoption,
    adopted_mirror,
    adoption_of,
    of_adopted,
    of_history,
    of_mirror,
    of_registration,
)
from generator.engine.plan import Action, Decision
from generator.engine.steps import forgejo, github
from generator.engine.steps.adoption.origin import not_adopted, other_branch
from generator.engine.steps.base import absent, answers_changed, drifted, foreign, present
from generator.engine.steps.forgejo import ForgejoMirror, ForgejoRepository, lossy, lost_on_github, our_mirrors
from generator.engine.steps.github import GitHubRepository, GitHubSecrets, mirror_description, renamed
from generator.engine.steps.visibility import copies_of, decide_forgejo, decide_github
from generator.template.files import ANSWERS_FILE


@dataclass(frozen=True)
class RepositoryFacts(forgejo.RepositoryFacts):
    """The same, with the canonical commit, what hung on the repository before, and what newservice began itself."""

    head: str | None = None
    before: frozenset[str] = frozenset()
    references: Mapping[str, str] = field(default_factory=dict)
    made: bool = False
    migrates: bool = False


class AdoptedRepository(ForgejoRepository):
    """The canonical repository, which people began, exists and is marked; only its description changes."""

    after = ("forgejo.migration",)

    def waits_for(self, run: Run) -> tuple[str, ...]:  # noqa: ARG002
        """Its history comes first."""
        return self.after

    def observe(self, run: Run) -> RepositoryFacts:
        """The repository, its branches, what it records, and what hangs on it already."""
        run_parallel(run.canonical, run.canonical_head, run.mirror_repository, run.push_mirrors)
        repository, head, mirror = run.canonical(), run.canonical_head(), run.mirror_repository()
        copies = copies_of(run, repository, mirror)
        if repository is None or head is None:
            migrates = mirror is not None and bool(run.mirror_heads())
            return RepositoryFacts(repository, run.canonical_answers(), copies, head=head, migrates=migrates)
        recorded = run.canonical_answers()
        superseded = bool(recorded.differing(run.answers.public)) and run.answers.stacked and run.stack_recorded()
        marked = adoption_of(repository.description) is not None
        facts = RepositoryFacts(repository, recorded, copies, superseded, run.canonical_begun(), head)
        if marked:
            return facts
        made = bool(recorded) and of_history(
            run.forgejo.origins(run.owner, run.name, head, ANSWERS_FILE), run.name
        ).ours  # fmt: skip
        return RepositoryFacts(
            *(repository, recorded, copies, superseded, facts.begun, head),
            _before(run, mirror),
            run.canonical_references(),
            made,
        )

    def decide(self, run: Run, facts: forgejo.RepositoryFacts) -> Decision:
        """Mark it once a person agreed; what is a fork, archived, or another service's stays as it is."""
        assert isinstance(facts, RepositoryFacts)  # noqa: S101 - observed above
        where, repository, recorded = f"{run.owner}/{run.name}", facts.repository, facts.recorded
        if repository is None and facts.migrates:
            return present(f"{where} comes with its history")
        if repository is None:
            return absent(f"{decide_forgejo(facts.copies, where).summary}, empty") if run.history else _gone(run)
        if refused := _refusal(run, facts, repository):
            return refused
        visible = decide_forgejo(facts.copies, where)
        if adoption_of(repository.description) is not None:
            known = self._before is None and of_adopted(repository, recorded, run.name).ours
            changed = recorded.differing(run.answers.public) if known else ()
            if changed and not facts.superseded:
                return answers_changed(where, changed, run.project.change_from(recorded))
            return visible
        if not run.adopts:
            return not_adopted(run, where)
        return drifted(_adopting(where, facts) + ("" if visible.action is Action.NONE else f"; {visible.summary}"))

    def act(self, run: Run, facts: forgejo.RepositoryFacts) -> str:
        """Create it empty for the history of a clone; or close it where that is wanted, and mark it."""
        assert isinstance(facts, RepositoryFacts)  # noqa: S101 - as above
        repository = facts.repository
        if repository is None:
            return self._create(run, facts, Adoption(run.answers.description).description)
        done = self._correct(run, facts, repository)
        if adoption_of(repository.description) is None:
            marked = Adoption(repository.description, facts.before).description
            run.forgejo.describe(run.owner, run.name, marked)
            done = f"{run.owner}/{run.name} is adopted"
        return done


def _refusal(run: Run, facts: RepositoryFacts, repository: Repository) -> Decision | None:
    """Why a repository can't be adopted; None where it can."""
    where, recorded = f"{run.owner}/{run.name}", facts.recorded
    if repository.fork:
        return foreign(
            f"{where} is a fork of another repository",
            "adopt the repository that it was forked from, or push its history to a new repository first",
        )
    if repository.mirror:
        return foreign(
            f"{where} is pulled from elsewhere, and takes no push",
            "make it a regular repository in its settings on Forgejo, then run the same command again",
        )
    if repository.archived:
        return foreign(f"{where} is archived", "unarchive it on Forgejo, then run the same command again")
    if facts.made:
        return foreign(
            f"{where} was made by newservice: there is nothing to adopt",
            f"newservice create {run.name} continues it, and newservice change {run.name} changes it",
        )
    if recorded and recorded.name != run.name:
        return foreign(
            f"{where} holds an answers file of {recorded.name or 'another template'}, not of {run.name}",
            f"rename {ANSWERS_FILE} in the repository if another template needs it, or remove it",
        )
    if facts.head is None and not repository.empty:
        return other_branch(run, repository.default_branch, "Forgejo")
    return None


def _gone(run: Run) -> Decision:
    return foreign(
        f"{run.owner}/{run.name} was adopted, and exists neither on Forgejo nor on GitHub any more",
        f"bring its history back: newservice adopt-repository takes a clone of it; or newservice remove {run.name}",
    )


def _before(run: Run, mirror: Mirror | None) -> frozenset[str]:
    """What hangs on the repository already, without a mark of its own."""
    links = our_mirrors(run, run.push_mirrors())
    registration = run.registration() if "woodpecker" in run.answers.systems else None
    registered = registration is not None and of_registration(registration, mirror.id if mirror else None).ours
    return frozenset([*([LINK_PART] if links else []), *([REGISTRATION_PART] if registered else [])])


def _adopting(where: str, facts: RepositoryFacts) -> str:
    """What is taken over, and what of it changes, for people."""
    repository = facts.repository
    assert repository is not None  # noqa: S101 - called for one that exists
    branches = sum(name.startswith("refs/heads/") for name in facts.references)
    tags = sum(name.startswith("refs/tags/") for name in facts.references)
    marked = Adoption(repository.description, facts.before).description
    return (
        f"{where} is taken over with its history ({branches} branches, {tags} tags), which stays as it is; its "
        f"description '{repository.description}' becomes '{marked}'"
    )


@dataclass(frozen=True)
class MirrorFacts(github.RepositoryFacts):
    """The same, with what only GitHub has, and whether there is a canonical repository with a history yet."""

    lost: tuple[str, ...] = ()
    canonical: bool = True


class AdoptedMirror(GitHubRepository):
    """The mirror exists; one that people made keeps its description and is marked, and loses nothing."""

    def waits_for(self, run: Run) -> tuple[str, ...]:  # noqa: ARG002
        """What it is to mirror comes first."""
        return ("forgejo.migration", "forgejo.repository")

    def observe(self, run: Run) -> MirrorFacts:
        """Both copies, and what a forced push would lose of one that is not marked yet."""
        run_parallel(run.mirror_repository, run.canonical, run.canonical_head)
        mirror, copies = run.mirror_repository(), copies_of(run, run.canonical(), run.mirror_repository())
        history = run.canonical_head() is not None
        if mirror is None or of_mirror(mirror, mirror_description(run)).ours or not history:
            return MirrorFacts(mirror, copies, canonical=history)
        run_parallel(run.mirror_heads, run.mirror_tags)
        return MirrorFacts(mirror, copies, tuple(lost_on_github(run)))

    def decide(self, run: Run, facts: github.RepositoryFacts) -> Decision:
        """Take it over once a person agreed, unless work would be lost."""
        assert isinstance(facts, MirrorFacts)  # noqa: S101 - observed above
        mirror = facts.mirror
        if mirror is None or of_mirror(mirror, mirror_description(run)).ours:
            return super().decide(run, facts)
        if mirror.fork:
            return foreign(
                f"{run.mirror} is a fork of another repository on GitHub",
                "rename or delete it on GitHub, then run the same command again",
            )
        if mirror.full_name.lower() != run.mirror.lower():
            return renamed(run, mirror)
        if not run.adopts:
            return not_adopted(run, run.mirror)
        if facts.lost:
            return lossy(run, facts.lost)
        visible = decide_github(facts.copies, run.mirror)
        marked = adopted_mirror(mirror.description, mirror_description(run))
        return drifted(
            f"{run.mirror}, last pushed {mirror.pushed or 'never'}, becomes the mirror: Forgejo pushes to it by force "
            f"from now on, and commits made there are lost; its description '{mirror.description}' becomes '{marked}'"
            + ("; it is unarchived" if mirror.archived else "")
            + ("" if visible.action is Action.NONE else f"; {visible.summary}")
        )

    def act(self, run: Run, facts: github.RepositoryFacts) -> str | Done:
        """Create it empty, or correct and mark it."""
        mirror = facts.mirror
        if mirror is None or of_mirror(mirror, mirror_description(run)).ours:
            return super().act(run, facts)
        super().act(run, facts)
        run.github.describe(run.mirror, adopted_mirror(mirror.description, mirror_description(run)))
        return f"{run.mirror} is adopted"


class AdoptedSecrets(GitHubSecrets):
    """The Actions secrets that are missing; those that exist stay, whoever set them."""

    def decide(self, run: Run, facts: github.SecretsFacts) -> Decision:
        """The same, with when each of the others was set."""
        decision = super().decide(run, facts)
        if facts.mirror is None or of_mirror(facts.mirror, mirror_description(run)).ours:
            return decision
        times = {name: facts.secrets[name].updated[:10] for name in self.wanted(run) if name in facts.secrets}
        listed = ", ".join(f"{name} as set on {day}" for name, day in times.items())
        return replace(decision, summary=f"{decision.summary}; stays: {listed}") if listed else decision


class AdoptedLink(ForgejoMirror):
    """The same push mirror; what only GitHub has is no loss as long as Forgejo is yet to fetch it."""

    def observe(self, run: Run) -> forgejo.MirrorFacts:
        """The same, once the history is there."""
        facts = super().observe(run)
        return facts if facts.canonical else replace(facts, lost=(), renamed="")
