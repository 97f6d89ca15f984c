"""Whatever ran ends in a table, and in a line that says it all."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.faults.matrix import Verdict

CELLS = "cells"
Record = Callable[[str, object], None]
Row = dict[str, Any]

_OUTCOMES = ("healed", "exit 3", "exit 4", "exit 5", "not reached", "bad")
_REACHED = 0.9
_KILLED = "killed"


def conclude(verdicts: list[Verdict], record: Record) -> None:
    """Keep the verdicts for the table; fail where one is bad, or where too few requests came again.

    Steps that run at the same time do not send quite the same requests each time.
    """
    record(CELLS, json.dumps([verdict.row for verdict in verdicts]))
    assert [verdict.completed for verdict in verdicts if verdict.outcome == "bad"] == []
    reached = sum(verdict.outcome != "not reached" for verdict in verdicts)
    assert reached >= max(1, int(len(verdicts) * _REACHED)), f"{reached} of {len(verdicts)} requests came"


def table(rows: list[Row]) -> Iterator[str]:
    """How many cells of each kind ended how, and how many each command has; then what was bad, and the slowest."""
    yield from _outcomes("kind", "fault", rows)
    yield from _outcomes("command", "command", rows)
    yield from _bad(rows)
    slowest = max(rows, key=lambda row: float(row["seconds"]))
    total = sum(float(row["seconds"]) for row in rows)
    yield f"{total:.0f} s in all; the slowest took {slowest['seconds']:.1f} s: {slowest['told']}"
    for outcome in ("not reached", "bad"):
        for row in rows:
            if row["outcome"] == outcome:
                yield f"{outcome}: {row['told']}"


def in_one_line(rows: list[Row], seconds: float) -> str:
    """The whole run, to be quoted: cells and kills, by command, what was bad, and how long it took."""
    kills = sum(row["kind"].startswith(_KILLED) for row in rows)
    cells = Counter(row["command"] for row in rows if not row["kind"].startswith(_KILLED))
    outcomes = Counter(row["outcome"] for row in rows)
    named = "; ".join(f"{command} {count}" for command, count in cells.items())
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"faults: {cells.total()} cells ({named or 'none'}) and {kills} kills, {outcomes['bad']} bad, "
        f"{outcomes['not reached']} not reached, in {minutes} min {rest} s on {os.cpu_count()} cores"
    )


def _outcomes(key: str, title: str, rows: list[Row]) -> Iterator[str]:
    yield f"{title:45}" + "".join(f"{column:>12}" for column in ("cells", *_OUTCOMES))
    for name in sorted({row[key] for row in rows}):
        yield _line(name, Counter(row["outcome"] for row in rows if row[key] == name))
    yield _line("all", Counter(row["outcome"] for row in rows))


def _bad(rows: list[Row]) -> Iterator[str]:
    """Cells of each kind for each command, and after a slash how many of them are bad."""
    commands = list(dict.fromkeys(row["command"] for row in rows))
    yield f"{'fault: cells/bad':45}" + "".join(f"  {command:>12}" for command in commands)
    for kind in sorted({row["kind"] for row in rows}):
        found = [[row["outcome"] for row in rows if (row["kind"], row["command"]) == (kind, name)] for name in commands]
        counts = [f"{len(outcomes)}/{outcomes.count('bad')}" for outcomes in found]
        yield f"{kind:45}" + "".join(
            f"  {count:>{max(12, len(name))}}" for name, count in zip(commands, counts, strict=True)
        )


def _line(name: str, count: Counter[str]) -> str:
    return f"{name:45}" + "".join(f"{number:12}" for number in (count.total(), *(count[key] for key in _OUTCOMES)))


def rows_of(stats: dict[str, list[Any]]) -> Iterator[Row]:
    reports: Iterable[Any] = (*stats.get("passed", ()), *stats.get("failed", ()))
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == CELLS and report.when == "call":
                yield from json.loads(value)
