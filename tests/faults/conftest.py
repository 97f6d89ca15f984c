"""The full matrices run where they are asked for (``-m faults``); whatever ran ends in a table."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.course import course
from tests.faults.report import rows_of, table

__all__ = ["course"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "faults" in config.option.markexpr:
        return
    full = [item for item in items if item.get_closest_marker("faults")]
    if full:
        config.hook.pytest_deselected(items=full)
        items[:] = [item for item in items if item not in full]


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
