"""Killed in the middle of any change, the same command makes of what is there exactly what an undisturbed run makes."""

from __future__ import annotations

import pytest

from generator.sandbox import FaultKind
from tests.faults.commands import CREATE, SAMPLED, UPDATE, Command
from tests.faults.course import Course
from tests.faults.kills import MOMENTS, judge, kills, sample
from tests.faults.report import Record, conclude
from tests.full import few

SEED = 20260101
SAMPLE = 4
PARTS = 4
KILLED = [command for command in (CREATE, *SAMPLED) if command is not UPDATE]
"""An update of the fleet is killed in tests/fleet; that of one tree is the same."""


@pytest.mark.parametrize("part", few(1, range(PARTS)))
def test_a_sample_of_the_kills(course: Course, part: int, record_property: Record) -> None:
    chosen = sample(course.requests, SEED, SAMPLE)[part::PARTS]
    conclude([judge(course, kill) for kill in chosen], record_property)


@pytest.mark.faults
@pytest.mark.parametrize("command", KILLED, ids=str)
@pytest.mark.parametrize("kind", MOMENTS, ids=lambda kind: MOMENTS[kind])
def test_every_kill(course: Course, command: Command, kind: FaultKind, record_property: Record) -> None:
    conclude([judge(course, kill) for kill in kills(course.requests, [kind])], record_property)
