"""The mirror repository on GitHub: it exists, its Actions have their secrets, and it shows the right branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.base.memo import run_parallel
from generator.clients.github import ActionsSecret, Mirror
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.ownership import of_mirror
from generator.engine.plan import Action, Decision, State
from generator.engine.steps.base import Step, absent, drifted, foreign, present
from generator.engine.steps.forgejo import unlink
from generator.engine.steps.visibility import Copies, Treatment, copies_of, decide_github, look_again, wants_private
from generator.template.answers import Answers


def mirror_description(run: Run) -> str:
    """What newservice writes on a mirror that it makes: for people a warning, for newservice the proof."""
    return f"One-way mirror of {run.platform.forgejo.web_url(run.name)}; commits made here are lost"


@dataclass(frozen=True)
class RepositoryFacts:
    """The mirror, and how visible the copies are.

    The canonical repository counts only where the answers want it public: else both are private, whatever it is.
    """

    mirror: Mirror | None
    copies: Copies


class GitHubRepository(Step[RepositoryFacts]):
    """The mirror exists, is ours, and is as visible as it should be."""

    id = "github.repository"
    system = "github"
    after = ("forgejo.repository",)  # which may have become private although it was to be public

    def differs(self, start: Answers | None, goal: Answers) -> bool:
        """Where visibility changes, or Actions secrets: only a mirror of ours gets or loses any."""
        if start is None or start.private_image != goal.private_image:
            return True
        return start.actions_secrets.keys() != goal.actions_secrets.keys()

    def waits_for(self, run: Run) -> tuple[str, ...]:
        """Where the answers want both copies private, neither depends on the other."""
        return () if wants_private(run) else self.after

    def observe(self, run: Run) -> RepositoryFacts:
        """The repository, if there is one, and how visible the canonical one is where that counts."""
        canonical = (lambda: None) if wants_private(run) else run.canonical
        run_parallel(run.mirror_repository, canonical)
        return RepositoryFacts(run.mirror_repository(), copies_of(run, canonical(), run.mirror_repository()))

    def decide(self, run: Run, facts: RepositoryFacts) -> Decision:
        """Ours is what carries our description."""
        mirror = facts.mirror
        if mirror is None:
            return absent(f"{decide_github(facts.copies, run.mirror).summary}, empty")
        if not of_mirror(mirror, mirror_description(run)).ours:
            return foreign(
                f"{run.mirror} exists on GitHub and was not made by newservice",
                "choose another name; or, if it may be overwritten by the mirror, set its description to: "
                + mirror_description(run),
            )
        if mirror.full_name.lower() != run.mirror.lower():
            return renamed(run, mirror)
        decision = decide_github(facts.copies, run.mirror)
        return drifted(f"{decision.summary}; it is unarchived") if mirror.archived else decision

    def act(self, run: Run, facts: RepositoryFacts) -> str | Done:
        """Create it empty, or correct what drifted. A public one is created only after another look."""
        if facts.mirror is None:
            return _create(run, private=facts.copies.closed or look_again(run).closed)
        treatment = facts.copies.treatment_of_github
        closing = treatment is Treatment.CLOSE
        if facts.mirror.archived:  # an archived repository takes no other change
            if closing:
                unlink(run)
            run.github.unarchive(run.mirror)
        if closing:
            run.github.make_private(run.mirror)
        if treatment is Treatment.OPEN:
            run.github.make_public(run.mirror)
        return f"{run.mirror} corrected"


def renamed(run: Run, mirror: Mirror) -> Decision:
    """The refusal for a mirror that GitHub finds by an earlier name."""
    return foreign(
        f"{run.mirror} was renamed to {mirror.full_name} on GitHub, which forwards the old name only for now",
        f"rename it back to {run.name}, then run the same command again",
    )


def _create(run: Run, *, private: bool) -> str | Done:
    """Create the mirror; a public one is closed at once where a person closed the canonical one meanwhile."""
    run.github.create_repository(run.mirror, description=mirror_description(run), private=private)
    created, url = run.fresh(), run.platform.github.web_url(run.name)
    if not private and look_again(created).treatment_of_github in (Treatment.CLOSE, Treatment.CREATE_PRIVATE):
        run.github.make_private(run.mirror)
        return url
    return Done(url, created.since)


@dataclass(frozen=True)
class SecretsFacts:
    """The mirror and its Actions secrets, whose values can't be read by anyone."""

    mirror: Mirror | None
    secrets: Mapping[str, ActionsSecret]


class GitHubSecrets(Step[SecretsFacts]):
    """The Actions secrets that the workflow needs; before the first push, or its first run fails."""

    id = "github.secrets"
    system = "github"
    after = ("github.repository",)

    def differs(self, start: Answers | None, goal: Answers) -> bool:
        """Where CI needs more of them."""
        return start is None or not goal.actions_secrets.keys() <= start.actions_secrets.keys()

    def wanted(self, run: Run) -> Mapping[str, str]:
        """The secrets, and the credential that fills each."""
        return run.answers.actions_secrets

    def due(self, run: Run, facts: SecretsFacts) -> list[str]:
        """The secrets to be written: those that are missing."""
        return [name for name in self.wanted(run) if name not in facts.secrets]

    def observe(self, run: Run) -> SecretsFacts:
        """The secrets by name."""
        run_parallel(run.mirror_repository, run.mirror_secret_times)
        return SecretsFacts(run.mirror_repository(), run.mirror_secret_times())

    def decide(self, run: Run, facts: SecretsFacts) -> Decision:
        """Write what is due."""
        due = ", ".join(self.due(run, facts))
        if not due:
            return present(f"{', '.join(self.wanted(run))} are set")
        return drifted(due) if facts.secrets else absent(due)

    def act(self, run: Run, facts: SecretsFacts) -> str:
        """Seal and write what is due."""
        due, wanted = self.due(run, facts), self.wanted(run)
        run.github.put_secrets(run.mirror, {name: run.credentials[wanted[name]].value for name in due})
        return f"set {', '.join(due)}"


@dataclass(frozen=True)
class BranchFacts:
    """The default branch's name, and whether the canonical branch has arrived."""

    repository: Mirror | None
    arrived: bool


class GitHubDefaultBranch(Step[BranchFacts]):
    """GitHub shows the canonical branch; it accepts that only once the branch exists."""

    id = "github.default_branch"
    system = "github"
    after = ("forgejo.mirror",)

    def observe(self, run: Run) -> BranchFacts:
        """The mirror's default branch."""
        run_parallel(run.mirror_repository, run.mirror_heads)
        return BranchFacts(run.mirror_repository(), run.platform.forgejo.branch in run.mirror_heads())

    def decide(self, run: Run, facts: BranchFacts) -> Decision:
        """Switch it unless it is right."""
        branch = run.platform.forgejo.branch
        if facts.repository is None or not facts.arrived:
            return Decision(State.ABSENT, Action.UPDATE, f"{run.mirror} shows {branch}")
        if facts.repository.default_branch != branch:
            return drifted(f"{run.mirror} shows {branch} instead of {facts.repository.default_branch}")
        return present(f"{run.mirror} shows {branch}")

    def act(self, run: Run, facts: BranchFacts) -> str:  # noqa: ARG002
        """Switch it."""
        run.github.set_default_branch(run.mirror, run.platform.forgejo.branch)
        return f"{run.mirror} shows {run.platform.forgejo.branch}"
