"""Whatever ran ends in a table."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.course import course
from tests.faults.report import in_one_line, rows_of, table

__all__ = ["course"]

BEGUN = time.monotonic()
"""Where this folder is asked for: the beginning of the whole run."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table, in the process that has all results."""
    rows = list(rows_of(terminalreporter.stats))
    if not rows:
        return
    terminalreporter.section("faults")
    for line in table(rows):
        terminalreporter.line(line)
    terminalreporter.line(in_one_line(rows, time.monotonic() - BEGUN))


@pytest.fixture
def collected() -> Iterator[None]:
    """What a test leaves to the garbage collector is collected while its own warnings are in force."""
    yield
    gc.collect()
