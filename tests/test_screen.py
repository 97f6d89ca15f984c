"""What a person sees while steps are under way, and how long lines and colours look on a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TextIO

import pytest

from generator.base.errors import ExitCode, SystemFailure
from generator.base.parallel import StepResult
from generator.base.secrets import MASK, Secret
from generator.cli.live import LiveSteps
from generator.cli.report import Result
from generator.cli.screen import SIGNS, coloured, folded, paint, paint_diff
from generator.cli.text import TextReporter
from generator.engine.plan import Action, Decision, State, StepPlan, build_plan

PLAN = build_plan(
    "notes",
    files=(),
    registrations=(),
    steps=[StepPlan(name, "forgejo", Decision(State.ABSENT, Action.CREATE, "to come")) for name in ("a", "b", "c")],
)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Screen:
    """A terminal to write to; called, it gives what was written there since."""

    def __init__(self, stream: TextIO, far: int) -> None:
        self.stream = stream
        self._far = far
        os.set_blocking(far, False)

    def __call__(self) -> str:
        self.stream.flush()
        text = b""
        with suppress(BlockingIOError):
            while part := os.read(self._far, 65536):
                text += part
        return text.decode()

    def reporter(self) -> TextReporter:
        return TextReporter(out=io.StringIO(), err=self.stream)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """A terminal of 80 columns and 24 lines."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.delenv("NO_COLOR", raising=False)
    far, near = pty.openpty()
    with os.fdopen(near, "w", encoding="utf-8") as stream:
        yield Screen(stream, far)
    os.close(far)


def done(step: str, status: Any = "done", summary: str = "made") -> StepResult:
    return StepResult(step, status, 1200, summary)


def test_steps_are_shown_while_under_way_and_stay_as_lines(screen: Screen) -> None:
    reporter = screen.reporter()
    reporter.plan(PLAN)
    reporter.begun("a")
    first = ESCAPES.sub("", screen())
    assert re.search(r"> a +running", first)
    assert re.search(r"  b +waiting", first)
    assert "0 of 3" in first
    for step in "abc":
        reporter.begun(step)
        reporter.step(done(step))
    end = ESCAPES.sub("", screen())
    assert re.findall(r"\+ ([abc]) +done +1\.2 s  made", end.split("of 3")[-1]) == ["a", "b", "c"]
    reporter.result(Result("success", ExitCode.OK, "notes"))
    assert "running" not in screen()


def test_what_is_reported_meanwhile_stands_above_and_what_stops_the_list_comes_after(screen: Screen) -> None:
    reporter = screen.reporter()
    reporter.plan(PLAN)
    reporter.begun("a")
    reporter.progress("pushing")
    assert "pushing ..." in ESCAPES.sub("", screen())
    reporter.step(done("a", "failed", "no route"))
    reporter.error(SystemFailure("forgejo.unreachable", "no route", "try again"))
    completed = ESCAPES.sub("", screen())
    assert completed.index("! a") < completed.index("newservice: no route")
    assert completed.rstrip().endswith("try again")


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_a_screen_that_can_not_hold_the_list_shows_lines(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("LINES", "4")
    reporter = screen.reporter()
    reporter.plan(PLAN)
    reporter.begun("a")
    assert screen() == ""
    reporter.step(done("a"))
    assert re.search(r"\+ a +done +1\.2 s  made", ESCAPES.sub("", screen()))


def test_the_list_shows_no_secret(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    steps = LiveSteps(["a"], screen.stream)
    secret = Secret("s3cr3t-value-of-a-token")
    steps.begun("a")
    steps.ended(done("a", summary=f"with {secret.reveal()}"))
    steps.note(f"and {secret.reveal()}")
    steps.close()
    completed = screen()
    assert secret.reveal() not in completed
    assert MASK in completed


def test_long_lines_go_on_below_their_column() -> None:
    line = f"  + infra.commit             done        0.4 s  {'word ' * 12}end"
    first, *others = folded(line, 80).split("\n")
    assert len(first) <= 80
    assert others
    assert all(other.startswith(" " * 48) and len(other) <= 80 for other in others)
    assert " ".join(folded(line, 80).split()) == " ".join(line.split())
    address = "  site  https://" + "a" * 100
    assert folded(address, 80) == address
    assert folded("short", 80) == "short"


def test_colours_only_where_they_are_seen(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    assert coloured(screen.stream)
    assert not coloured(io.StringIO())
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as other:
            other.setenv(name, value)
            assert not coloured(screen.stream)
    reporter = screen.reporter()
    reporter.error(SystemFailure("forgejo.unreachable", "no route", "try again"))
    assert "\x1b[" in screen()
    monkeypatch.setenv("NO_COLOR", "1")
    reporter.error(SystemFailure("forgejo.unreachable", "no route", "try again"))
    assert "\x1b[" not in screen()


def test_colours_add_nothing_to_the_text() -> None:
    text = "\n".join(["Plan for notes", *(f"  {sign} a" for sign in SIGNS.values()), "", "@@ -1 +1 @@", "-a", "+b"])
    assert ESCAPES.sub("", paint(text)) == text
    assert ESCAPES.sub("", paint_diff(text)) == text
