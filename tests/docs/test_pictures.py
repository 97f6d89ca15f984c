"""The terminal pictures show what the commands show, here and now."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs.builder.drawing import draw, text_of
from docs.builder.pictures import FOLDER, SHOTS, Shot, committed, in_order, take, words
from docs.builder.terminal import Picture, Run, Terminal
from tests.full import few, full

every_shot = pytest.mark.parametrize("shot", few(1, SHOTS), ids=lambda shot: shot.name)


@full
@every_shot
def test_a_picture_says_what_the_command_says(shot: Shot) -> None:
    assert words(committed(shot)) == words(take(shot).text), "out of date: run `make docs`"


@every_shot
def test_a_picture_is_read_without_being_seen(shot: Shot) -> None:
    document = (FOLDER / f"{shot.name}.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(document)
    assert root.get("role") == "img"
    assert root.get("aria-label") == shot.title == root.findtext("{http://www.w3.org/2000/svg}title")
    assert not re.search(r"/(tmp|work|root|home|dev)/|https?://(?!www\.w3\.org)[^<]*:(?!8443)\d+", document)


def test_there_is_no_picture_that_nobody_takes() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {shot.name for shot in SHOTS}


def test_a_terminal_shows_its_process(tmp_path: Path) -> None:
    script = r"print('\x1b[32mgreen\x1b[0m and \x1b[1mbold\x1b[0m'); print(input('say: ').upper())"
    terminal = Terminal([sys.executable, "-c", script], columns=20, rows=5, folder=tmp_path, environment={})
    terminal.wait_for("say:")
    terminal.press("hello\r")
    assert terminal.wait_for_end() == 0
    picture = terminal.picture()
    assert picture.text == "green and bold\nsay: hello\nHELLO"
    assert picture.lines[0] == (Run("green", "green"), Run(" and "), Run("bold", bold=True))


def test_what_never_comes_is_reported_with_the_screen(tmp_path: Path) -> None:
    terminal = Terminal(
        [sys.executable, "-c", "print('only this')"], columns=20, rows=5, folder=tmp_path, environment={}
    )
    with pytest.raises(TimeoutError, match="only this"):
        terminal.wait_for("that")


def test_a_drawn_picture_keeps_its_text() -> None:
    picture = Picture(30, ((Run("  <b> & 'c'", "red"),), (), (Run("x", "default", "green"), Run(" y", reverse=True))))
    assert text_of(draw(picture, "<title>")) == "  <b> & 'c'\n\nx y"


def test_steps_are_put_into_the_plans_order() -> None:
    said = (
        "  + infra.commit             done        0.5 s  a branch",
        "    pushing something ...",
        "  + vault.secrets            done        0.1 s  a long",
        "                                                 summary",
        "",
        "Next",
        "  1. merge",
    )
    ordered = in_order(Picture(80, tuple((Run(line),) if line else () for line in said)))
    assert ordered.text.splitlines() == [said[2], said[3], said[0], *said[4:]]
