"""Every request of a whole onboarding meets every fault, once and for good: it heals, or says so and heals later."""

from __future__ import annotations

import pytest

from generator.sandbox import FaultKind
from tests.faults.course import Course
from tests.faults.matrix import KINDS, cells, judge, sample
from tests.faults.report import Record, conclude
from tests.full import few

# A connection that breaks in the middle is left to the garbage collector by the libraries below; nothing waits for it.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]

SEED = 20260101
SAMPLE = 2 * len(KINDS)  # each kind once and lasting
PARTS = 14


@pytest.mark.parametrize("part", few(1, range(PARTS)), ids=lambda part: f"seed {SEED} part {part + 1}")
def test_a_sample_of_the_matrix(course: Course, part: int, record_property: Record) -> None:
    chosen = sample(course.requests, SEED, SAMPLE)[part::PARTS]
    conclude([judge(course, cell) for cell in chosen], record_property)


@pytest.mark.faults
@pytest.mark.parametrize("systems", [("forgejo",), ("github", "woodpecker", "vault")], ids=" and ".join)
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
def test_the_matrix(
    course: Course, kind: FaultKind, lasting: bool, systems: tuple[str, ...], record_property: Record
) -> None:
    chosen = [cell for cell in cells(course.requests, kind, lasting) if cell.asked.system in systems]
    if not chosen:
        pytest.skip("this fault is another system's own")
    conclude([judge(course, cell) for cell in chosen], record_property)
