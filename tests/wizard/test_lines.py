"""Prompts that are answered with a line each, and how text is laid out."""

from __future__ import annotations

import io

import pytest

from generator.wizard.layout import brief, cells, columns, shown, wrap
from generator.wizard.lines import Lines
from generator.wizard.prompter import Back, Option

OPTIONS = [Option("a", "first", "what the first leads to"), Option("b", "second"), Option("c", "third")]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Lines:
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n9\n2\n\nthird\n<\n1, 3\n-\n\nmaybe\nn\n\nword\n"))
    return Lines()


def test_lines(typed: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed.select("which", OPTIONS) == "b"  # after two that are none
    assert typed.select("which", OPTIONS, 2) == "c"
    assert typed.select("which", OPTIONS) == "c"
    with pytest.raises(Back):
        typed.select("which", OPTIONS)
    assert typed.tick("some", OPTIONS) == ["a", "c"]
    assert typed.tick("some", OPTIONS, ["a"]) == []
    assert typed.tick("some", OPTIONS, ["a"]) == ["a"]
    assert typed.confirm("sure", default=True) is False
    assert typed.text("name", "default") == "default"
    assert typed.text("name", placeholder="e.g. this") == "word"
    with pytest.raises(EOFError):
        typed.text("name")
    printed = capsys.readouterr().out
    assert "a number from 1 to 3" in printed
    assert "what the first leads to" in printed
    assert "\x1b" not in printed


def test_a_text_can_be_emptied_and_its_blanks_stay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('""\n\n x \n < \n'))
    typed = Lines()
    assert typed.text("value", "old") == ""
    assert typed.text("value", "old") == "old"
    assert typed.text("value", "old") == " x "
    with pytest.raises(Back):
        typed.text("value")
    assert "? value [old]" in capsys.readouterr().out
    assert '""' in typed.typing


def test_words_are_never_cut_and_nothing_is_too_wide() -> None:
    text = "words of several lengths, some of them ordinary, 日本語の言葉 among others, and an-address-" + "x" * 50
    for width in range(8, 60):
        lines = wrap(text, width)
        assert all(cells(line) <= width for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrap("one two", 20) == ["one two"]
    assert [cells(line) <= 30 for line in columns("title", text, 12, 30)]
    assert columns("a title that is long", "beside", 10, 60) == ["a title that is long", "    beside"]


def test_answers_in_a_few_words() -> None:
    assert shown({"a": 1, "b": {"c": True}, "d": []}) == "a: 1, b: (c: yes), d: none"
    assert shown([{"a": 1}, {"b": 2}]) == "a: 1; b: 2"
    assert shown(["a", "b"]) == "a, b"
    assert shown("\x1b[2Jgone") == "\\x1b[2Jgone"
    assert brief("x" * 99).endswith("...")
    assert cells(brief("x" * 99)) == 50
