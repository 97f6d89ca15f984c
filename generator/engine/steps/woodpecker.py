"""The deployer's registration of the mirror, and its settings."""

from __future__ import annotations

from dataclasses import dataclass

from generator.base.errors import SystemFailure
from generator.base.memo import run_parallel
from generator.clients.woodpecker import Registration
from generator.engine.context import Run
from generator.engine.ownership import of_registration
from generator.engine.plan import Action, Decision, State
from generator.engine.steps.base import Step, absent, drifted, foreign, present
from generator.template.answers import Answers


@dataclass(frozen=True)
class RegistrationFacts:
    """The registration, if any, and the mirror's own number on GitHub."""

    registration: Registration | None
    github_id: int | None


class WoodpeckerRegistration(Step[RegistrationFacts]):
    """The mirror is registered and active; its number is Woodpecker's own."""

    id = "woodpecker.registration"
    system = "woodpecker"
    after = ("github.repository",)

    def differs(self, start: Answers | None, goal: Answers) -> bool:
        """Where it deploys the service from now on."""
        return self.system in goal.systems and (start is None or self.system not in start.systems)

    def observe(self, run: Run) -> RegistrationFacts:
        """The registration and what it should point at."""
        run_parallel(run.mirror_repository, run.registration)
        repository = run.mirror_repository()
        return RegistrationFacts(run.registration(), repository.id if repository else None)

    def decide(self, run: Run, facts: RegistrationFacts) -> Decision:
        """Register it, switch it on again, or leave it."""
        found = facts.registration
        if found is None:
            return absent(f"{run.mirror}")
        if not of_registration(found, facts.github_id).ours:
            return foreign(
                f"Woodpecker's {found.full_name} (number {found.id}) belongs to another repository of that name",
                f"remove the old registration on Woodpecker (repository {found.id}), then run the same command again",
            )
        if not found.active:
            return drifted(f"{run.mirror} (number {found.id}) is switched on again")
        return present(f"{run.mirror} is number {found.id}")

    def act(self, run: Run, facts: RegistrationFacts) -> str:
        """Register it by the number that GitHub gave it."""
        if facts.github_id is None:
            raise SystemFailure(
                "github.not_there_yet",
                f"{run.mirror} can't be seen on GitHub",
                "run the same command again",
            )
        run.woodpecker.activate(facts.github_id)
        return f"{run.mirror} is active"


class WoodpeckerSettings(Step[Registration | None]):
    """The repository is trusted with nothing: a trusted one gets credentials written into every step."""

    id = "woodpecker.settings"
    system = "woodpecker"
    after = ("woodpecker.registration",)

    def differs(self, start: Answers | None, goal: Answers) -> bool:
        """Where it deploys the service from now on."""
        return self.system in goal.systems and (start is None or self.system not in start.systems)

    def observe(self, run: Run) -> Registration | None:
        """The registration's settings."""
        return run.registration()

    def decide(self, run: Run, facts: Registration | None) -> Decision:  # noqa: ARG002
        """A new registration is untrusted from the start; an old one might be trusted."""
        if facts is None:
            return Decision(State.ABSENT, Action.NONE, "a new registration is trusted with nothing")
        trusted = [name for name, value in facts.trusted.items() if value]
        if trusted:
            return drifted(f"no longer trusted with {', '.join(trusted)}")
        return present("trusted with nothing")

    def act(self, run: Run, facts: Registration | None) -> str:
        """Remove the trusted flags."""
        assert facts is not None  # noqa: S101 - decide acts on a registration only
        run.woodpecker.distrust(facts.id)
        return "trusted with nothing"
