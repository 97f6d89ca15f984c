"""Updates the fleet to the newest template: canaries first, then waves.

A failed check ends the run, because the template may be at fault. So does a wave in which everything failed: a system
is probably down. A failure of one service does not stop the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

from generator.base.errors import NewserviceError, UsageError
from generator.base.memo import run_parallel
from generator.engine.connections import Forge
from generator.fleet.findings import Finding, Place, State, in_order
from generator.fleet.fleet import AT_ONCE, Fleet, chunks
from generator.fleet.guards import Checks, open_checks
from generator.fleet.planning import Task, Verb, planned
from generator.fleet.pool import mapped
from generator.fleet.requests import Requests
from generator.fleet.source import Source, update_branch
from generator.fleet.visibility import withheld
from generator.lifecycle.doctor import require
from generator.lifecycle.doctor.rules import check_signature
from generator.lifecycle.update import Upgrader

FEW_PLANS = 2
"""The number of updates from which a second process pays off."""

PARTS = 15
"""Stacks are planned and checked in at most this many batches, because guards look at all stacks each time."""


@dataclass(frozen=True)
class Waves:
    """The order of updates: the ``canaries`` (default: the first service), then ``size`` services at a time."""

    canaries: tuple[str, ...] = ()
    size: int = 10
    limit: int | None = None

    def of(self, names: Sequence[str], behind: Collection[str]) -> list[list[str]]:
        """The waves. Canaries that are ``behind`` come first; if none of them is, the first service that is behind.

        Services that are not behind come last: for them there is only a pull request to close.
        """
        chosen = sorted(names, key=lambda name: (name not in behind, name not in self.canaries))[: self.limit]
        ready = [name for name in chosen if name in behind]
        first = [name for name in ready if name in self.canaries] or ready[:1]
        return [wave for wave in (first, *chunks((name for name in chosen if name not in first), self.size)) if wave]


@dataclass
class Update:
    """One run. ``findings`` has the current finding for every tree at any time, also after an interruption;
    ``skipped`` lists what could not be checked here, ``notes`` what a person should know about the run itself.
    ``report`` is called with each finding once it is final.
    """

    fleet: Fleet
    forge: Forge
    waves: Waves
    dry_run: bool = False
    report: Callable[[Finding], None] = lambda _: None
    findings: dict[Place, Finding] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    _turns: list[list[str]] = field(default_factory=list)
    _ready: dict[Place, Task] = field(default_factory=dict)

    def look(self) -> None:
        """Observe the whole fleet and decide the waves; nothing is written. Raises any error that prevents this.

        So does a commit that is to be signed and can't be: else every one of them would wait for its signature.
        """
        work = self._work()
        if work:
            require(check_signature(self.fleet.infra.objects, required=self.fleet.infra.must_sign))
        behind = {finding.place.name for finding in work if finding.state is State.BEHIND}
        self._turns = self.waves.of(list(dict.fromkeys(finding.place.name for finding in work)), behind)
        if behind and self.waves.canaries and not behind & {*self.waves.canaries}:
            self._note(f"none of the named canaries is behind here: {self._turns[0][0]} is updated first instead")
        begun = {name for wave in self._turns for name in wave}
        for finding in work:
            if finding.place.name in begun:
                self.findings[finding.place] = finding.but(State.PENDING, message="not begun")
            else:
                self._settle(finding)  # beyond the limit

    def run(self) -> list[Finding]:
        """Carry out the updates; returns the findings, sorted by name."""
        with open_checks(self.fleet.infra.snapshot, self.fleet.platform, self.fleet.jobs) as checks:
            self.skipped = checks.skipped if self._turns else ()
            for check in self.skipped:
                self._note(f"not checked: {check}")
            self._run_waves(checks)
        for finding in self.findings.values():
            if finding.state is State.PENDING:
                self.report(finding)
        return in_order(self.findings.values())

    def _run_waves(self, checks: Checks) -> None:
        """Run wave by wave. If a wave of one service failed, one more runs alone, to see whether a system is down."""
        waves, number, doubted = deque(self._turns), 0, False
        while waves:
            wave, number = waves.popleft(), number + 1
            self.fleet.progress(f"wave {number} of {number + len(waves)}: {_names(wave)}")
            self._prepare([wave, *waves] if number > 1 else [wave], checks)
            found = self._carried_out(
                [place for place in self.findings if place.name in wave and self._open(place)], checks
            )
            if any(finding.state is State.CHECKS for finding in found):
                return
            failed = bool(found) and all(finding.state is State.FAILED for finding in found)
            if failed and (doubted or len(wave) > 1):
                return
            if failed and waves and len(waves[0]) > 1:
                first, *rest = waves.popleft()
                waves.extendleft((rest, [first]))
            doubted = failed

    def _prepare(self, coming: Sequence[Sequence[str]], checks: Checks) -> None:
        """Plan and check the stacks of the next wave, and in a large fleet those of some later waves; push nothing."""
        if not self._unready(coming[0]):
            return
        most = -(-len(self.findings) // PARTS)
        names: list[str] = []
        for wave in coming:
            if names and len(names) + len(wave) > most:
                break
            names += wave
        places = self._unready(names)
        made = mapped(self._plan, [(place, self.fleet.infra) for place in places], self.fleet.jobs, FEW_PLANS)
        self._ready |= zip(places, self._checked(made, checks), strict=True)

    def _unready(self, names: Collection[str]) -> list[Place]:
        """The stacks of these services that are still pending and not planned yet."""
        return [
            place
            for place in self.findings
            if place.layer == "stack" and place.name in names and place not in self._ready and self._open(place)
        ]

    @property
    def _plan(self) -> Callable[[tuple[Place, Source]], Task]:
        return partial(_planned, self.fleet.upgrader)

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self.fleet.progress(text)

    def _open(self, place: Place) -> bool:
        return self.findings[place].state is State.PENDING

    def _settle(self, finding: Finding) -> Finding:
        self.findings[finding.place] = finding
        self.report(finding)
        return finding

    def _work(self) -> list[Finding]:
        """The trees that are behind, or whose pull request is no longer needed; the others are settled."""
        stacks = [self.fleet.as_in_clone(finding) for finding in self.fleet.recorded()]
        behind = [finding.place.prefix for finding in stacks if finding.state is State.BEHIND]
        self.fleet.infra.snapshot.load_stacks(behind)  # all of them in one process
        services = self.fleet.services_recorded(self.fleet.owned(stacks))
        found = [item for item in in_order([*stacks, *services]) if self.fleet.selection.has(item.place)]
        self._check_canaries()
        work = [finding for finding in found if self._needs_work(finding)]
        for finding in found:
            if finding not in work:
                self._settle(finding)
        return work

    def _check_canaries(self) -> None:
        """Raise ``UsageError`` for a canary that does not exist, or that ``--only`` leaves out."""
        known, selection = self.fleet.names, self.fleet.selection
        for name in self.waves.canaries:
            if name not in known or not selection.fits(name):
                raise UsageError(
                    "fleet.canary", f"--canary {name}: no such service is selected", "see newservice fleet list"
                )

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
            found = self.forge.api.newest_pull_request(owner, name, self.fleet.default_branch(place), branch)
        except NewserviceError:
            return True  # the error is reported in its own turn
        return found is not None and found.state == "open"

    def _carried_out(self, wave: Sequence[Place], checks: Checks) -> list[Finding]:
        services = [place for place in wave if place.layer == "service"]
        with ExitStack() as stack:
            proven = [self.fleet.opened(chunk, to_write=True) for chunk in chunks(services, 8)]
            opened = [pair for chunk in proven for pair in stack.enter_context(chunk)]
            seen = [self._settle(source) for _, source in opened if isinstance(source, Finding)]
            own = [(place, source) for place, source in opened if isinstance(source, Source)]
            tasks = self._checked(mapped(self._plan, own, self.fleet.jobs, FEW_PLANS), checks)
            pairs = [(self.fleet.infra, self._ready.pop(place)) for place in wave if place.layer == "stack"]
            pairs += zip([source for _, source in own], tasks, strict=True)
            return [*seen, *map(self._settle, self._found(pairs))]

    def _found(self, pairs: Sequence[tuple[Source, Task]]) -> list[Finding]:
        pairs = list(zip([source for source, _ in pairs], self._withheld(pairs), strict=True))
        return [_as_if(task) for _, task in pairs] if self.dry_run else self._brought(pairs)

    def _withheld(self, pairs: Sequence[tuple[Source, Task]]) -> list[Task]:
        """The tasks, without a push of what a mirror would publish."""
        owner = self.fleet.platform.github.owner
        looks = [
            partial(withheld, self.forge, f"{owner}/{task.place.name}", source, task)
            for source, task in pairs
            if task.place.layer == "service"
        ]
        seen = {task.place: task for chunk in chunks(looks, AT_ONCE) for task in run_parallel(*chunk)}
        return [seen.get(task.place, task) for _, task in pairs]

    def _checked(self, tasks: Sequence[Task], checks: Checks) -> list[Task]:
        """The tasks, without a push for those that fail a check; notes tell reviewers what was not checked."""
        if self.skipped:
            notes = tuple(f"Not checked before this was opened: {item}." for item in self.skipped)
            tasks = [
                replace(task, notes=(*task.notes, *(notes if task.place.layer == "stack" else ()))) for task in tasks
            ]
        new = [number for number, task in enumerate(tasks) if task.verb is Verb.PUSH]
        wrong = checks.failures([tasks[number] for number in new])
        failed = {new[number]: problem for number, problem in wrong.items()}
        return [
            task.now(task.finding.but(State.CHECKS, message=failed[number])) if number in failed else task
            for number, task in enumerate(tasks)
        ]

    def _brought(self, pairs: Sequence[tuple[Source, Task]]) -> list[Finding]:
        """Push once for each repository, then open or update the pull requests; failures are left for another run."""
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
    """The finding that a dry run reports for a task."""
    if task.verb is not Verb.PUSH:
        return task.finding
    return task.finding.but(State.BEHIND, message="its update merges cleanly and passes the checks")


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
