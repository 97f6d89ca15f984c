"""The deployer's registration of the mirror, its settings, and a first deploy that came too early."""

from __future__ import annotations

from dataclasses import dataclass, replace

from generator.base.errors import PreflightError, SystemFailure
from generator.base.memo import run_parallel
from generator.clients.woodpecker import Pipeline, Registration
from generator.engine.applied import waits_for
from generator.engine.context import Run
from generator.engine.delivery import Delivery, own_pipeline
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


@dataclass(frozen=True)
class DeployFacts:
    """What a deploy needs, as far as it was looked at: what comes later is not asked for where this lacks something.

    ``lacking`` says what there is to wait for, ``ours`` is the newest pipeline that deploys the canonical commit.
    """

    lacking: str = ""
    registration: int = 0
    delivery: Delivery | None = None
    ours: Pipeline | None = None


class WoodpeckerDeploy(Step[DeployFacts]):
    """The canonical commit's image is deployed: a deploy that came before the stack was applied is started again."""

    id = "woodpecker.deploy"
    system = "woodpecker"
    after = ("woodpecker.settings",)

    def __init__(self) -> None:
        self._started = 0  # the pipeline of this run: it is not started again, however it ends

    def observe(self, run: Run) -> DeployFacts:
        """First what costs nothing: a service whose stack is not merged takes no request of its own."""
        head = run.infra_heads().get(run.platform.infra.branch)
        if head is None or not run.infra_state(head).made_by_us:
            return DeployFacts("the stack is not merged")
        registration, sha = run.registration(), run.canonical_head()
        if registration is None or not registration.active or sha is None:
            return DeployFacts("nothing is built yet")
        delivery = Delivery.of(run.answers.delivery, sha)
        ours = own_pipeline(run.woodpecker.pipelines(registration.id), delivery)
        facts = DeployFacts("", registration.id, delivery, ours)
        if self._stands(ours):
            return facts
        if reason := waits_for(run):
            return replace(facts, lacking=reason)
        if ours is None and not _has_image(run, delivery):  # the build starts a deploy only after it pushed the image
            return replace(facts, lacking=f"no image of {sha[:8]} is seen, and its build starts the deploy")
        return facts

    def _stands(self, ours: Pipeline | None) -> bool:
        """Whether a deploy is under way, succeeded, or is this run's own."""
        if ours is None:
            return False
        return ours.going or ours.status in ("success", "blocked") or ours.number == self._started

    def decide(self, run: Run, facts: DeployFacts) -> Decision:  # noqa: ARG002
        """Start it again where it failed or never ran, and could succeed now."""
        ours = facts.ours
        said = f"pipeline {ours.number}: {ours.status}" if ours else "no deploy has run"
        if facts.lacking:
            return present(f"{said}; nothing is started, {facts.lacking}")
        if self._stands(ours):
            return present(said)
        assert facts.delivery is not None  # noqa: S101 - observed with what is not lacking
        return drifted(f"{said}; the deploy of {facts.delivery.tags[0]} is started again")

    def act(self, run: Run, facts: DeployFacts) -> str:
        """Start the manual pipeline with the build's own variables. Raises ``SystemFailure`` where none can run."""
        assert facts.delivery is not None  # noqa: S101 - as above
        started = run.woodpecker.start(facts.registration, run.platform.forgejo.branch, facts.delivery.variables)
        if started is None or started.errors:
            why = "; ".join(started.errors) if started else "no workflow of the repository runs for the event manual"
            raise SystemFailure(
                "woodpecker.not_started",
                f"woodpecker: the deploy of {run.mirror} did not start: {why}",
                "correct .woodpecker/deploy.yml in the service's repository, and push it",
            )
        self._started = started.number
        return f"pipeline {started.number} deploys {facts.delivery.tags[0]}"


def _has_image(run: Run, delivery: Delivery) -> bool:
    """Whether the registry shows every image; what can't be seen is not deployed."""
    try:
        return all(run.has_image(each.image, each.tags[0]) for each in delivery.each)
    except (PreflightError, SystemFailure):
        return False
