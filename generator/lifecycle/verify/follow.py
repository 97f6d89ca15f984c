"""Repeat the checks until all is well, waiting can no longer help, or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from generator.base.checks import Check
from generator.base.stopping import pause
from generator.lifecycle.verify.look import Look

TIMEOUT_SECONDS = 900
"""How long ``--wait`` follows by default: a build may take 30 minutes, and usually takes a few."""


@dataclass(frozen=True)
class Rhythm:
    """Pauses between looks, in seconds: they grow from the first to the longest. Tests bring their own clock.

    ``sleep`` raises ``KeyboardInterrupt`` when the user stops waiting.
    """

    first: float = 2.0
    factor: float = 1.5
    longest: float = 30.0
    sleep: Callable[[float], None] = pause
    clock: Callable[[], float] = time.monotonic


def follow(look: Callable[[], Look], seconds: float, progress: Callable[[str], None], rhythm: Rhythm) -> Look:
    """Look until all is well, waiting can no longer help, or ``seconds`` are over; returns the last look.

    ``progress`` receives a line for every check that is not well at first, and then for each that changed. Raises what
    the rhythm's ``sleep`` raises when it is cut short.
    """
    deadline, length = rhythm.clock() + seconds, rhythm.first
    reported: dict[str, Check] = {}
    while True:
        seen = look()
        for check in seen.checks:
            if check != reported.get(check.id) and (check.id in reported or not check.well):
                progress(f"{check.id}: {check.state.value}, {check.summary}")
            reported[check.id] = check
        left = deadline - rhythm.clock()
        if seen.alive or not seen.may_come or left <= 0:
            return seen
        rhythm.sleep(min(length, left))
        length = min(length * rhythm.factor, rhythm.longest)
