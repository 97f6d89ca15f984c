"""Every request of a whole onboarding meets every fault, once and for good: it heals, or says so and heals later.

The other commands that change something meet every kind at every write, and at a part of their reads.
"""

from __future__ import annotations

import pytest

from generator.sandbox import FaultKind
from tests.faults.commands import SAMPLED, Command
from tests.faults.course import Course
from tests.faults.matrix import KINDS, cells, judge, sample, spread
from tests.faults.report import Record, conclude
from tests.full import few

# A connection that breaks in the middle is left to the garbage collector by the libraries below; nothing waits for it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]

SEED = 20260101
SAMPLE = 2 * len(KINDS)  # each kind once and lasting
SAMPLES = 14
PARTS = 3
"""A test is short enough for the processes that run them to end at about the same time."""


@pytest.mark.parametrize("part", few(1, range(SAMPLES)), ids=lambda part: f"seed {SEED} part {part + 1}")
def test_a_sample_of_the_matrix(course: Course, part: int, record_property: Record) -> None:
    chosen = sample(course.requests, SEED, SAMPLE)[part::SAMPLES]
    conclude([judge(course, cell) for cell in chosen], record_property)


@pytest.mark.faults
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("part", range(PARTS), ids=lambda part: f"part {part + 1}")
def test_the_matrix(course: Course, kind: FaultKind, lasting: bool, part: int, record_property: Record) -> None:
    conclude([judge(course, cell) for cell in cells(course.requests, kind, lasting)[part::PARTS]], record_property)


@pytest.mark.faults
@pytest.mark.parametrize("command", SAMPLED, ids=str)
@pytest.mark.parametrize("part", range(PARTS), ids=lambda part: f"part {part + 1}")
def test_the_matrix_of_another_command(course: Course, command: Command, part: int, record_property: Record) -> None:
    conclude([judge(course, cell) for cell in spread(course.requests)[part::PARTS]], record_property)
