"""The mirror repository on GitHub: it exists, its Actions have their secrets, and it shows the right branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from generator.base.memo import together
from generator.clients.github import Mirror
from generator.engine.context import Run
from generator.engine.plan import Action, Decision, State
from generator.engine.steps.base import Step, absent, drifted, foreign, present
from generator.engine.steps.forgejo import decide_visibility, visibility, wants_private


def mirror_description(run: Run) -> str:
    """What newservice writes on a mirror that it makes: for people a warning, for newservice the proof."""
    return f"One-way mirror of {run.platform.service_url(run.name).removesuffix('.git')}; commits made here are lost"


class GitHubRepository(Step[Mirror | None]):
    """The mirror exists, is ours, and is as visible as it should be."""

    id = "github.repository"
    system = "github"

    def observe(self, run: Run) -> Mirror | None:
        """The repository, if there is one."""
        return run.mirror_repository()

    def decide(self, run: Run, facts: Mirror | None) -> Decision:
        """Ours is what carries our description."""
        if facts is None:
            return absent(f"{run.mirror}, {visibility(wants_private(run))}, empty")
        if facts.description != mirror_description(run):
            return foreign(
                f"{run.mirror} exists on GitHub and was not made by newservice",
                "choose another name; or, if it may be overwritten by the mirror, set its description to: "
                + mirror_description(run),
            )
        if facts.full_name.lower() != run.mirror.lower():
            return foreign(
                f"{run.mirror} was renamed to {facts.full_name} on GitHub, which forwards the old name only for now",
                f"rename it back to {run.name}, then run the same command again",
            )
        if facts.archived:
            return drifted(f"{run.mirror} is unarchived")
        return decide_visibility(run, run.mirror, private=facts.private)

    def act(self, run: Run, facts: Mirror | None) -> str:
        """Create it empty, or correct what drifted."""
        private = wants_private(run)
        if facts is None:
            run.github.create_repository(run.mirror, description=mirror_description(run), private=private)
            return run.platform.mirror_url(run.name).removesuffix(".git")
        if facts.archived:  # an archived repository takes no other change
            run.github.edit_repository(run.mirror, archived=False)
        if private and not facts.private:
            run.github.edit_repository(run.mirror, private=True)
        return f"{run.mirror} corrected"


class GitHubSecrets(Step[frozenset[str]]):
    """The Actions secrets that the workflow needs; before the first push, or its first run fails."""

    id = "github.secrets"
    system = "github"
    after = ("github.repository",)

    def observe(self, run: Run) -> frozenset[str]:
        """Names of the secrets; values can't be read by anybody."""
        together(run.mirror_repository, run.mirror_secrets)
        return run.mirror_secrets()

    def decide(self, run: Run, facts: frozenset[str]) -> Decision:
        """Write the missing ones."""
        missing = _missing(run, facts)
        if not missing:
            return present(f"{', '.join(_wanted(run))} are set")
        return drifted(", ".join(missing)) if facts else absent(", ".join(missing))

    def act(self, run: Run, facts: frozenset[str]) -> str:
        """Seal and write the missing ones."""
        missing, wanted = _missing(run, facts), _wanted(run)
        together(
            *(partial(run.github.put_secret, run.mirror, name, run.credentials[wanted[name]].value) for name in missing)
        )
        return f"set {', '.join(missing)}"


@dataclass(frozen=True)
class BranchFacts:
    """The default branch's name, and whether the canonical branch has arrived."""

    repository: Mirror | None
    arrived: bool


class GitHubDefaultBranch(Step[BranchFacts]):
    """GitHub shows the canonical branch; it accepts that only once the branch is there."""

    id = "github.default_branch"
    system = "github"
    after = ("forgejo.mirror",)

    def observe(self, run: Run) -> BranchFacts:
        """The mirror's default branch."""
        together(run.mirror_repository, run.mirror_heads)
        return BranchFacts(run.mirror_repository(), run.platform.branch in run.mirror_heads())

    def decide(self, run: Run, facts: BranchFacts) -> Decision:
        """Switch it unless it is right."""
        branch = run.platform.branch
        if facts.repository is None or not facts.arrived:
            return Decision(State.ABSENT, Action.UPDATE, f"{run.mirror} shows {branch}")
        if facts.repository.default_branch != branch:
            return drifted(f"{run.mirror} shows {branch} instead of {facts.repository.default_branch}")
        return present(f"{run.mirror} shows {branch}")

    def act(self, run: Run, facts: BranchFacts) -> str:  # noqa: ARG002
        """Switch it."""
        run.github.edit_repository(run.mirror, branch=run.platform.branch)
        return f"{run.mirror} shows {run.platform.branch}"


def _wanted(run: Run) -> Mapping[str, str]:
    return run.answers.actions_secrets


def _missing(run: Run, there: frozenset[str]) -> list[str]:
    return [name for name in _wanted(run) if name not in there]
