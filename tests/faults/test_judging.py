"""A matrix that accepts everything would prove nothing."""

from __future__ import annotations

from dataclasses import replace

from generator.sandbox import FaultKind
from tests.faults.course import Course
from tests.faults.matrix import Cell, judge
from tests.faults.report import in_one_line, table
from tests.full import full


@full
def test_the_judge_sees_what_is_wrong(course: Course) -> None:
    asked = next(item for item in course.requests if item.system == "vault" and item.is_read)
    cell = Cell(asked, FaultKind.FORBIDDEN, lasting=True)
    fine = judge(course, cell)
    assert (fine.outcome, fine.reasons) == ("exit 3", ())

    never = judge(course, replace(cell, asked=replace(asked, nth=99)))
    assert (never.outcome, never.reasons) == ("not reached", ())

    course.goal |= {"woodpecker": []}
    unlike = judge(course, cell)
    assert unlike.outcome == "bad"
    assert len(unlike.reasons) == 1
    assert unlike.reasons[0].startswith("after the same command again woodpecker is [('ViktorBarzin/city-guide', True,")

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(course.world.sandbox.tokens.forgejo)

    course.world.monkeypatch.setattr("generator.cli.create.observed_plan", broken)
    fault = judge(course, cell)
    assert fault.outcome == "bad"
    assert [reason.partition(":")[0] for reason in fault.reasons] == [
        "exit 1",
        "exit 1 though nothing was broken yet",
        "the same command afterwards",
    ]

    rows = [verdict.row for verdict in (fine, never, unlike, fault)]
    assert in_one_line(rows, 61.2).startswith(
        "faults: 4 cells (create 4) and 0 kills, 2 bad, 1 not reached, in 1 min 1 s"
    )
    lines = list(table(rows))
    assert lines[1].split() == ["403,", "lasting", "4", "0", "1", "0", "0", "1", "2"]
    assert sum(line.startswith("bad: ") for line in lines) == 2
    assert sum(line.startswith("not reached: ") for line in lines) == 1
