"""The real process, killed in the middle of each change; then the same command again."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass

from generator.sandbox import FaultKind
from tests.faults.course import Course
from tests.faults.matrix import Verdict, converges
from tests.faults.requests import Asked
from tests.processes import kill_all

MOMENTS = {FaultKind.HOLD: "before", FaultKind.HOLD_AFTER: "after"}


@dataclass(frozen=True)
class Kill:
    """A SIGKILL before or after the server acts on a request."""

    asked: Asked
    kind: FaultKind

    @property
    def name(self) -> str:
        return f"killed {MOMENTS[self.kind]} the server acted"

    def __str__(self) -> str:
        return f"{self.name}: {self.asked}"


def kills(requests: Iterable[Asked], kinds: Iterable[FaultKind] = tuple(MOMENTS)) -> list[Kill]:
    """One for each request that changes something, and each moment."""
    return [Kill(asked, kind) for kind in kinds for asked in requests if not asked.is_read]


def sample(requests: list[Asked], seed: int, count: int) -> list[Kill]:
    """Some of each moment, the same for the same seed and requests."""
    chance = random.Random(seed)
    return [kill for kind in MOMENTS for kill in chance.sample(kills(requests, [kind]), count // len(MOMENTS))]


def judge(course: Course, kill: Kill) -> Verdict:
    """Kill the process and its children at the request, and let the same command finish the work."""
    started = time.monotonic()
    course.start_again()
    sandbox, asked = course.world.sandbox, kill.asked
    sandbox.faults.add(
        *(asked.system, asked.method, asked.path_pattern, 1, kill.kind),
        query=asked.query_pattern,
        after=asked.nth - 1,
    )
    process = course.world.launch(*course.command.words(course.world))
    reached = _held(course, process)
    if reached:
        kill_all(process)
    process.communicate()
    sandbox.drop_held()  # what the server has not acted on when its client dies, it never does
    sandbox.faults.clear()
    reasons = converges(course) if reached else []
    outcome = "bad" if reasons else "healed" if reached else "not reached"
    return Verdict(kill, course.command.name, outcome, time.monotonic() - started, tuple(reasons))


def _held(course: Course, process: subprocess.Popen[str]) -> bool:
    """Whether the request came, and is held now; False when the process ended without it."""
    while process.poll() is None:
        try:
            course.world.sandbox.wait_until_held(timeout=0.2)
        except TimeoutError:
            continue
        return True
    return False
