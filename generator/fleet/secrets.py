"""Writes one Actions secret to the mirrors of all services that need it: canaries first, then the others.

A canary that fails ends the run, and so does GitHub's rate limit, which is everyone's. Any other failure is that
service's alone. What was done is noted right away, so that the same command continues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from generator.base.errors import NewserviceError, PreflightError, UsageError
from generator.base.memo import run_parallel
from generator.engine.commits import RemoteCommit
from generator.engine.connections import Mirrors
from generator.engine.context import Run, Systems
from generator.engine.executor import Outcome
from generator.engine.onboarding import course
from generator.engine.plan import Action, Decision
from generator.engine.project import BRANCH_PREFIX, Project
from generator.engine.recorded import Recorded, read_recorded
from generator.engine.steps.github import SecretsFacts
from generator.fleet.findings import Finding, Place, State, in_order
from generator.fleet.fleet import AT_ONCE, Fleet, chunks
from generator.fleet.pushed import Pushed
from generator.fleet.tree_status import guarded
from generator.fleet.update import Waves
from generator.lifecycle.secrets.actions import PushedSecrets
from generator.template.files import ANSWERS_FILE

AGAIN = "run the same command again"

_EVERYONES = ("github.limited", "github.unauthorized")
"""What ends the run: it would meet every other service too."""


@dataclass(frozen=True)
class Target:
    """A service with a repository, and the run that writes its secret."""

    place: Place
    run: Run
    step: PushedSecrets


@dataclass
class SecretPush:
    """One run. ``findings`` has the current finding for every service, also after an interruption.

    ``report`` is called with each finding once it is final; ``notes`` are what a person should know.
    ``again``: those that are known to have the value are written too.
    """

    fleet: Fleet
    mirrors: Mirrors
    secret: str
    note: Pushed
    waves: Waves
    again: bool = False
    report: Callable[[Finding], None] = lambda _: None
    findings: dict[Place, Finding] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _targets: dict[str, Target] = field(default_factory=dict)
    _turns: list[list[str]] = field(default_factory=list)
    _reported: set[Place] = field(default_factory=set)

    @property
    def due(self) -> list[Finding]:
        """The services to be written to, in their order."""
        return [self.findings[self._targets[name].place] for wave in self._turns for name in wave]

    def look(self) -> None:
        """Find the services that need the secret, and what each mirror has; nothing is written.

        Raises any error that prevents this, and ``UsageError`` for a canary that does not need or take the secret.
        """
        found = [*self._merged(), *self._waiting()]
        self._check_canaries(found)
        due = []
        for chunk in chunks(found, AT_ONCE):
            for target, finding in zip(
                chunk, run_parallel(*(partial(self._seen, item) for item in chunk)), strict=True
            ):
                if finding is None:
                    continue
                self._targets[target.place.name] = target
                self.findings[target.place] = finding
                if finding.state is State.BEHIND:
                    due.append(target.place.name)
        self._check_canaries_take_it()
        self._turns = self.waves.of(due, due)
        chosen = {name for wave in self._turns for name in wave}
        for name in due:
            if name not in chosen:  # beyond the limit
                self._change(name, State.BEHIND, "beyond --limit")

    def run(self) -> list[Finding]:
        """Write to those that are due; returns all findings, sorted by name."""
        for name in (name for wave in self._turns for name in wave):
            self._change(name, State.PENDING, "not begun")
        for number, wave in enumerate(self._turns):
            results = run_parallel(*(partial(self._pushed, self._targets[name]) for name in wave))
            for name, (finding, _) in zip(wave, results, strict=True):
                self.findings[self._targets[name].place] = finding
            failed = any(finding.state is State.FAILED for finding, _ in results)
            if everyone := [error for _, error in results if error and error.code in _EVERYONES]:
                self.notes.append(everyone[0].message)
                break
            if failed and number == 0:
                self.notes.append(f"the canary failed, so nothing else was written: {', '.join(wave)}")
                break
        for place, finding in self.findings.items():
            if place not in self._reported:
                self.report(finding)
        return in_order(self.findings.values())

    def _merged(self) -> Iterator[Target]:
        """The services of the selection whose stack is on the default branch, and that have a mirror or should."""
        tree = self.fleet.infra.snapshot
        tree.load(f"{place.prefix}{ANSWERS_FILE}" for place in self.fleet.stacks)
        for place in self.fleet.stacks:
            yield from self._target(place.name, read_recorded(tree, place.prefix))

    def _waiting(self) -> Iterator[Target]:
        """Those that still wait for the merge of their first pull request: their CI runs already."""
        infra, forge = self.fleet.infra, self.mirrors.forge
        for branch in sorted(forge.api.branches(infra.owner, infra.name)):
            name = branch.removeprefix(BRANCH_PREFIX)
            if not branch.startswith(BRANCH_PREFIX) or name in self.fleet.names or not self.fleet.selection.names(name):
                continue
            tree = RemoteCommit(forge.api, infra.owner, infra.name, branch)
            yield from self._target(name, read_recorded(tree, self.fleet.platform.infra.stack(name)))

    def _target(self, name: str, recorded: Recorded) -> Iterator[Target]:
        """The service, if it has a repository; one whose answers can't be read is reported."""
        place = Place(name, "service", f"{self.fleet.platform.github.owner}/{name}")

        def find() -> Finding:
            sound = recorded.sound()
            if sound.name == name and sound.owned:
                maker = self.fleet.upgrader.made_by(sound)
                answers = maker.answers(sound)
                project = Project(maker.template, self.fleet.platform, answers, Path(name))
                found.append(Target(place, self._run(project), self._step(place)))
            return Finding(place, State.CURRENT)

        found: list[Target] = []
        finding = guarded(place, find)
        if finding.state is not State.CURRENT:
            self.findings[place] = finding
        yield from found

    def _step(self, place: Place) -> PushedSecrets:
        written = None if self.again else self.note.mirrors.get(place.repository)
        return PushedSecrets(self.secret, {self.secret: written} if written else {})

    def _run(self, project: Project) -> Run:
        mirrors = self.mirrors
        systems = Systems(mirrors.forge.api, mirrors.github)
        return Run(project, systems, mirrors.credentials, mirrors.clone, mirrors.patience)

    def _check_canaries(self, found: Sequence[Target]) -> None:
        needing = {item.place.name for item in found if self.secret in item.run.answers.actions_secrets}
        for name in self.waves.canaries:
            if name not in needing:
                message = f"--canary {name}: no selected service of that name needs {self.secret}"
                raise UsageError("fleet.canary", message, "see newservice fleet list")

    def _check_canaries_take_it(self) -> None:
        """Raise ``UsageError`` for a named canary that nothing can be written to: another would be no proof."""
        for name in self.waves.canaries:
            finding = self.findings[self._targets[name].place]
            if finding.state not in (State.BEHIND, State.CURRENT):
                raise UsageError("fleet.canary", f"--canary {name}: {finding.message}", finding.remedy)

    def _seen(self, target: Target) -> Finding | None:
        """The finding before anything is written; None for a service that neither needs nor has the secret."""
        needed = self.secret in target.run.answers.actions_secrets

        def find() -> Finding:
            facts = target.step.observe(view)
            if not needed:
                return Finding(target.place, State.EDITED if self.secret in facts.secrets else State.CURRENT)
            command = f"newservice fleet secrets push {self.secret}"
            return _judged(target.place, target.step.decide(view, facts), facts, command)

        view = target.run.fresh()
        finding = _alone(target.place, find)
        if needed:
            return finding
        if finding.state is State.EDITED:
            self.notes.append(
                f"{target.place.repository} has {self.secret}, which the answers of {target.place.name} do not ask "
                "for: it was left as it is"
            )
        return None

    def _pushed(self, target: Target) -> tuple[Finding, NewserviceError | None]:
        """Write one; note it and report it before anything else is begun in its place."""
        outcome = course([target.step], target.run).execute(lambda _: None)
        error = outcome.failure if isinstance(outcome.failure, NewserviceError) else None
        finding = self._result(target, outcome)
        self._reported.add(target.place)
        self.report(finding)
        return finding, error

    def _result(self, target: Target, outcome: Outcome) -> Finding:
        if outcome.failure is not None:
            if not isinstance(outcome.failure, NewserviceError):
                raise outcome.failure
            error = outcome.failure
            return Finding(target.place, State.FAILED, message=error.message, hint=error.hint)
        (step,) = outcome.steps
        written = target.step.written.get(self.secret, "")
        try:
            self.note.note(target.place.repository, written)
        except OSError as problem:
            reason = f"{self.note.place} can't be written ({problem.strerror})"
            self.notes.append(f"{reason}: the next run writes everything again")
        action = "written" if step.status == "done" else ""
        return Finding(target.place, State.CURRENT, message=f"{self.secret} at {written}", action=action)

    def _change(self, name: str, state: State, message: str) -> None:
        place = self._targets[name].place
        self.findings[place] = self.findings[place].but(state, message=message, hint=AGAIN)


def _judged(place: Place, decision: Decision, facts: SecretsFacts, command: str) -> Finding:
    """What a decision means for a fleet; ``command`` carries it out."""
    if decision.action is Action.NONE:
        return Finding(place, State.CURRENT, message=decision.summary)
    if decision.action is not Action.REFUSE:
        return Finding(place, State.BEHIND, message=decision.summary, hint=command)
    state = State.MISSING if facts.mirror is None else State.ARCHIVED if facts.mirror.archived else State.FAILED
    return Finding(place, state, message=decision.summary, hint=decision.hint)


def _alone(place: Place, look: Callable[[], Finding]) -> Finding:
    """What ``look`` finds; an error is this service's alone, unless every other would meet it too."""
    try:
        return look()
    except NewserviceError as error:
        if error.code in _EVERYONES:
            raise PreflightError(error.code, error.message, error.hint) from error
        return Finding(place, State.FAILED, message=error.message, hint=error.hint)
