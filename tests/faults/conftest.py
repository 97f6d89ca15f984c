"""Whatever ran ends in a table."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.course import course
from tests.faults.report import rows_of, table

__all__ = ["course"]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table, in the process that has all results."""
    rows = list(rows_of(terminalreporter.stats))
    if not rows:
        return
    terminalreporter.section("faults")
    for line in table(rows):
        terminalreporter.line(line)


@pytest.fixture
def collected() -> Iterator[None]:
    """What a test leaves to the garbage collector is collected while its own warnings are in force."""
    yield
    gc.collect()
