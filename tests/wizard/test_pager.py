"""The diffs in a person's pager: however it ends, the question comes back; and other signals end the command."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.cli.pager import page
from tests.full import few, full
from tests.processes import descendants, until, words_of
from tests.wizard.terminal import STOP, Terminal
from tests.wizard.test_talk import ALL, DECIDE, NOTHING_NEEDED, REVIEW
from tests.wizard.test_terminal import START

Start = Callable[..., Terminal]

OWNED = ("--image-source=owned", "--language=python", "--image-visibility=public")
LARGE = (*(word for word in ALL if "image" not in word), *OWNED)
"""Answers whose diffs are longer than any screen."""


@pytest.fixture
def deciding(terminal: Start) -> Callable[..., Terminal]:
    """A terminal with a pager, at the question whether the plan is carried out."""

    def start(pager: str, **environ: str) -> Terminal:
        shown = terminal(*LARGE, *NOTHING_NEEDED, PAGER=pager, **environ)
        shown.answers(REVIEW)
        shown.asks(DECIDE)
        return shown

    return start


def script(folder: Path, text: str) -> str:
    """A pager that is a shell's script."""
    program = folder.parent / f"pager-{folder.name}"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return str(program)


def sleeps(shown: Terminal) -> None:
    """Wait until the pager has printed, and sleeps: a shell may lose a Ctrl-C between two commands."""
    shown.sees("PAGED")
    until(lambda: [pid for pid in descendants(shown.pid) if words_of(pid).startswith("sleep 60")])


def carries_out(shown: Terminal) -> None:
    shown.picks(DECIDE, "carry it out")
    code, text = shown.ends()
    assert (code, "Traceback" in text, "fault of newservice" in text) == (0, False, False)


@pytest.mark.parametrize(
    "text",
    few(
        1,
        [
            "exec 0<&-; echo PAGED",
            "head -c 1 > /dev/null; echo PAGED; exit 1",
            "echo PAGED; kill -9 $$",
            "echo PAGED; kill -PIPE $$",
            "cat > /dev/null; echo PAGED",
        ],
    ),
)
def test_a_pager_that_is_left_or_dies_comes_back_to_the_question(folder: Path, deciding: Start, text: str) -> None:
    shown = deciding(script(folder, text))
    for count in (1, 2):
        before = len(shown.raw)
        shown.answers(DECIDE)
        shown.until(lambda before=before: "PAGED" in shown.raw[before:], f"pager {count}")  # type: ignore[misc]
        shown.asks(DECIDE)
    carries_out(shown)


@pytest.mark.parametrize("hears", few(1, ["", "trap 'echo HEARD; exit' INT;"]))
@pytest.mark.parametrize("reads", few(1, ["head -c 100 > /dev/null;", "", "cat > /dev/null;"]))
def test_ctrl_c_in_the_pager_is_the_pager_s(folder: Path, deciding: Start, hears: str, reads: str) -> None:
    shown = deciding(script(folder, f"{hears} echo PAGED; {reads} sleep 60"))
    shown.answers(DECIDE)
    sleeps(shown)
    before = len(shown.raw)
    shown.types(STOP)
    shown.until(lambda: "Carry it out?" in shown.raw[before:], "the question")
    assert ("HEARD" in shown.raw) == bool(hears)
    carries_out(shown)


def test_what_a_pager_leaves_running_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = folder.parent / "left"
    monkeypatch.setenv("PAGER", script(folder, f"exec 3<&0; sleep 30 <&3 & echo $! > {left}"))
    page("more than a pipe holds\n" * 10_000)
    pid = int(left.read_text())
    assert until(lambda: words_of(pid).startswith("sleep"), 5)
    os.kill(pid, signal.SIGKILL)


@full
def test_git_hears_nothing_of_a_ctrl_c_in_the_pager(folder: Path, terminal: Start) -> None:
    """It is kept running between the plan and the work, and used to die there."""
    pager = script(folder, "echo PAGED; sleep 60")
    shown = terminal(*LARGE, *NOTHING_NEEDED, "--sandbox", PAGER=pager)
    shown.answers(REVIEW)
    shown.asks(DECIDE)
    shown.answers(DECIDE)
    sleeps(shown)
    helpers = {pid: os.getsid(pid) for pid in descendants(shown.pid) if "cat-file" in words_of(pid)}
    assert helpers
    assert set(helpers.values()) != {shown.pid}
    before = len(shown.raw)
    shown.types(STOP)
    shown.until(lambda: "Carry it out?" in shown.raw[before:], "the question")
    carries_out(shown)


def test_less_itself(folder: Path, deciding: Start) -> None:
    shown = deciding("less -+F")
    shown.answers(DECIDE)
    shown.until(lambda: shown.display[-1].startswith(":") or shown.display[-1] == "", "the pager's prompt")
    before = len(shown.raw)
    shown.types(STOP)  # less goes on
    shown.until(lambda: len(shown.raw) > before, "the pager's prompt again")
    shown.types("q")
    shown.until(lambda: "Carry it out?" in shown.raw[before:], "the question")
    carries_out(shown)


@pytest.mark.parametrize("pager", few(1, ["no-such-program-anywhere", "cat", "'", "{folder}/infra"]))
def test_diffs_are_printed_where_there_is_no_pager(folder: Path, deciding: Start, pager: str) -> None:
    shown = deciding(pager.format(folder=folder))
    shown.answers(DECIDE)
    shown.sees("+++ ")
    shown.asks(DECIDE)
    carries_out(shown)


@pytest.mark.parametrize("number", few(1, [signal.SIGTERM, signal.SIGHUP]))
def test_another_signal_ends_pager_and_command(
    folder: Path, deciding: Start, untouched: Callable[..., bool], number: signal.Signals
) -> None:
    shown = deciding(script(folder, "echo PAGED; cat > /dev/null; exec sleep 60"))
    shown.answers(DECIDE)
    sleeps(shown)
    os.kill(shown.pid, number)
    code, text = shown.ends()
    assert code == 130
    assert "notes-app: stopped; nothing was written" in text
    assert not [pid for pid in descendants(os.getpid()) if "sleep 60" in words_of(pid)]
    assert untouched()


@pytest.mark.parametrize("number", few(1, [signal.SIGHUP, signal.SIGTERM]))
def test_a_signal_at_a_question_asks_nothing_more(
    terminal: Start, untouched: Callable[..., bool], number: signal.Signals
) -> None:
    """Nobody is at the terminal any more."""
    shown = terminal()
    shown.answers(START, ("name", "notes-app"), "title", ("description", "Keeps notes"))
    shown.asks("tier")
    os.kill(shown.pid, number)
    code, text = shown.ends()
    assert code == 130
    assert "stopped; nothing was written" in text
    assert "Save the answers" not in text
    assert untouched()


def test_a_terminal_that_is_closed_ends_the_command(terminal: Start, untouched: Callable[..., bool]) -> None:
    shown = terminal()
    shown.asks(START)
    pid = shown.pid
    shown.hang_up()
    until(lambda: not words_of(pid))
    assert untouched()


def test_a_text_without_a_terminal_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("PAGER", raising=False)
    page("a text")
    assert capsys.readouterr().out == "a text\n"
