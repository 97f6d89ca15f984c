"""What came of many cells, as a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.faults.matrix import Verdict

CELLS = "cells"
Record = Callable[[str, object], None]

_OUTCOMES = ("healed", "exit 3", "exit 4", "exit 5", "not reached", "bad")
_REACHED = 0.9


def conclude(verdicts: list[Verdict], record: Record) -> None:
    """Keep the verdicts for the table; fail where one is bad, or where too few requests came again.

    Steps that run at the same time do not send quite the same requests each time.
    """
    record(CELLS, json.dumps([verdict.row for verdict in verdicts]))
    assert [verdict.completed for verdict in verdicts if verdict.outcome == "bad"] == []
    reached = sum(verdict.outcome != "not reached" for verdict in verdicts)
    assert reached >= max(1, int(len(verdicts) * _REACHED)), f"{reached} of {len(verdicts)} requests came"


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """How many cells of each kind ended how; then what was bad, what was not reached, and the slowest."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    counts = {kind: Counter(row["outcome"] for row in rows if row["kind"] == kind) for kind in kinds}
    columns = ("cells", *_OUTCOMES)
    yield f"{'fault':45}" + "".join(f"{column:>12}" for column in columns)
    for kind in sorted(kinds):
        yield _line(kind, counts[kind])
    yield _line("all", Counter(row["outcome"] for row in rows))
    slowest = max(rows, key=lambda row: float(row["seconds"]))
    total = sum(float(row["seconds"]) for row in rows)
    yield f"{total:.0f} s in all; the slowest took {slowest['seconds']:.1f} s: {slowest['told']}"
    for outcome in ("not reached", "bad"):
        for row in rows:
            if row["outcome"] == outcome:
                yield f"{outcome}: {row['told']}"


def _line(kind: str, count: Counter[str]) -> str:
    return f"{kind:45}" + "".join(f"{number:12}" for number in (count.total(), *(count[key] for key in _OUTCOMES)))


def rows_of(stats: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    reports: Iterable[Any] = (*stats.get("passed", ()), *stats.get("failed", ()))
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == CELLS and report.when == "call":
                yield from json.loads(value)
