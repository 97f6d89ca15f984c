"""Brings the fleet to the newest template: canaries first, then waves; a wave that fails is the last one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from generator.errors import NewserviceError, UsageError
from generator.fleet.findings import Finding, Place, State, in_order
from generator.fleet.fleet import Fleet, chunks
from generator.fleet.guards import Checks, open_checks
from generator.fleet.planning import Task, Verb, planned
from generator.fleet.pool import mapped
from generator.fleet.requests import Requests
from generator.fleet.selection import first_names
from generator.fleet.source import Source, update_branch
from generator.onboarding import Forge
from generator.upgrade import Upgrader

FEW_PLANS = 2
"""Updates that are worth a second process."""

STOPPING = frozenset({State.FAILED, State.CHECKS})
"""States that no further wave is begun after."""


@dataclass(frozen=True)
class Waves:
    """Whose turn it is when: the ``canaries`` (default: the first one), then ``size`` services at a time."""

    canaries: tuple[str, ...] = ()
    size: int = 10
    limit: int | None = None

    def of(self, places: Sequence[Place]) -> Iterator[list[Place]]:
        """The waves; a service's repository goes with its stack."""
        names = first_names(places, self.limit)
        chosen = [name for name in dict.fromkeys(place.name for place in places) if name in names]
        first = [name for name in chosen if name in self.canaries] or chosen[: 0 if self.canaries else 1]
        for wave in ([first] if first else []) + list(
            chunks((name for name in chosen if name not in first), self.size)
        ):
            yield [place for place in places if place.name in wave]


@dataclass
class Update:
    """One run. ``findings`` says of every tree at any time what is known of it, also when the run is interrupted."""

    fleet: Fleet
    forge: Forge
    waves: Waves
    dry_run: bool = False
    told: Callable[[Finding], None] = lambda _: None
    findings: dict[Place, Finding] = field(default_factory=dict)
    _turns: list[list[Place]] = field(default_factory=list)

    def look(self) -> None:
        """See the whole fleet, and whose turn is when; nothing is written. Raises what keeps it from being seen."""
        work = self._work()
        self._turns = list(self.waves.of([finding.place for finding in work]))
        begun = {place for wave in self._turns for place in wave}
        for finding in work:
            if finding.place in begun:
                self.findings[finding.place] = finding.but(State.PENDING, message="not begun")
            else:
                self._settle(finding)  # beyond the limit

    def run(self) -> list[Finding]:
        """Carry out what was seen; what became of it, by name."""
        waves = self._turns
        with open_checks(self.fleet.infra.snapshot, self.fleet.platform, self.fleet.jobs) as checks:
            for number, wave in enumerate(waves, 1):
                self.fleet.progress(f"wave {number} of {len(waves)}: {_names(wave)}")
                if any(finding.state in STOPPING for finding in self._carried_out(wave, checks)):
                    break
        for finding in self.findings.values():
            if finding.state is State.PENDING:
                self.told(finding)
        return in_order(self.findings.values())

    def _settle(self, finding: Finding) -> Finding:
        self.findings[finding.place] = finding
        self.told(finding)
        return finding

    def _work(self) -> list[Finding]:
        """The trees that are behind, or whose pull request nobody needs any more; the others are settled."""
        stacks = [self.fleet.as_in_clone(finding) for finding in self.fleet.recorded()]
        behind = [finding.place.prefix for finding in stacks if finding.state is State.BEHIND]
        self.fleet.infra.snapshot.load_stacks(behind)  # all of them in one process
        services = self.fleet.services_recorded(self.fleet.owned(stacks))
        found = [item for item in in_order([*stacks, *services]) if self.fleet.selection.has(item.place)]
        strangers = sorted({*self.waves.canaries} - {finding.place.name for finding in found})
        if strangers:
            raise UsageError(
                "fleet.canary", f"--canary {strangers[0]}: no such service is selected", "see newservice fleet list"
            )
        work = [finding for finding in found if self._needs_work(finding)]
        for finding in found:
            if finding not in work:
                self._settle(finding)
        return work

    def _needs_work(self, finding: Finding) -> bool:
        if finding.state is not State.CURRENT:
            return finding.state is State.BEHIND
        return self._still_asked(finding.place)

    def _still_asked(self, place: Place) -> bool:
        """Whether a pull request is open for a tree that is current."""
        branch, infra = update_branch(place.name), self.fleet.infra
        if place.layer == "stack":
            return branch in infra.pulls
        owner, name = place.repository.split("/", 1)
        try:
            found = self.forge.api.newest_pull_request(owner, name, self.fleet.platform.branch, branch)
        except NewserviceError:
            return True  # its own turn tells what is wrong
        return found is not None and found.state == "open"

    def _carried_out(self, wave: Sequence[Place], checks: Checks) -> list[Finding]:
        services = [place for place in wave if place.layer == "service"]
        with ExitStack() as stack:
            opened = [pair for chunk in chunks(services, 8) for pair in stack.enter_context(self.fleet.opened(chunk))]
            seen = [self._settle(source) for _, source in opened if isinstance(source, Finding)]
            pairs = [(place, self.fleet.infra) for place in wave if place.layer == "stack"]
            pairs += [(place, source) for place, source in opened if isinstance(source, Source)]
            return [*seen, *map(self._settle, self._found(pairs, checks))]

    def _found(self, pairs: Sequence[tuple[Place, Source]], checks: Checks) -> list[Finding]:
        made = mapped(partial(_planned, self.fleet.upgrader), pairs, self.fleet.jobs, FEW_PLANS)
        tasks = self._checked(made, checks)
        if self.dry_run:
            return [_as_if(task) for task in tasks]
        return self._brought(list(zip([source for _, source in pairs], tasks, strict=True)))

    def _checked(self, tasks: Sequence[Task], checks: Checks) -> list[Task]:
        new = [number for number, task in enumerate(tasks) if task.verb is Verb.PUSH]
        wrong = checks.failures([tasks[number] for number in new])
        failed = {new[number]: told for number, told in wrong.items()}
        return [
            task.now(task.finding.but(State.CHECKS, message=failed[number])) if number in failed else task
            for number, task in enumerate(tasks)
        ]

    def _brought(self, pairs: Sequence[tuple[Source, Task]]) -> list[Finding]:
        """Push, one push a repository, then see to the pull requests; what failed is left for another run."""
        requests, done = Requests(self.forge), [task for _, task in pairs]
        pushed: dict[str, list[int]] = {}
        for number, (source, task) in enumerate(pairs):
            if task.verb is Verb.PUSH:
                pushed.setdefault(source.full_name, []).append(number)
        for numbers in pushed.values():
            source = pairs[numbers[0]][0]
            for number, task in zip(numbers, requests.push(source, [done[n] for n in numbers]), strict=True):
                done[number] = task
        settled = zip([source for source, _ in pairs], done, strict=True)
        return [finding for chunk in chunks(settled, 8) for finding in requests.ask_all(chunk)]


def _planned(upgrader: Upgrader, pair: tuple[Place, Source]) -> Task:
    place, source = pair
    return planned(upgrader, source, place)


def _as_if(task: Task) -> Finding:
    """What a run that writes nothing tells of a tree that it would push."""
    if task.verb is not Verb.PUSH:
        return task.finding
    return task.finding.but(State.BEHIND, message="its update merges cleanly and passes the checks")


def _names(wave: Sequence[Place]) -> str:
    names = list(dict.fromkeys(place.name for place in wave))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
