"""Text for a terminal: wrapped between words, and answers in a few words. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from generator.base.terminal_text import visible
from generator.template.questions import MISSING
from generator.wizard.fields import Shape, is_text, part_of, word, written

_NO_SHAPE: Shape = {}

WIDEST = 100
"""Columns that text is spread over at most: longer lines are hard to read."""


def cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def plain(text: str) -> str:
    """``text`` on one line, without what a terminal would take for a command."""
    return visible(text, kept="")


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` columns; a word that is longer than a line is continued on the next."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _pieces(paragraph.split(), max(width, 8)):
            if line and cells(line) + 1 + cells(piece) > width:
                lines.append(line)
                line = piece
            else:
                line = f"{line} {piece}" if line else piece
        lines.append(line)
    return lines


def _pieces(words: Sequence[str], width: int) -> Iterator[str]:
    for whole in words:
        piece, taken = "", 0
        for char in whole:
            if taken + _cells(char) > width:
                yield piece
                piece, taken = "", 0
            piece, taken = piece + char, taken + _cells(char)
        yield piece


def columns(cell: str, text: str, indent: int, width: int) -> list[str]:
    """``cell``, followed by ``text`` in a column that begins at ``indent``."""
    pad = indent - cells(cell)
    if not text:
        return [cell]
    if pad < 1 or width - indent < 20:  # no room beside it
        return [cell, *(f"    {line}" for line in wrap(text, max(width - 4, 8)))]
    first, *rest = wrap(text, width - indent)
    return [cell + " " * pad + first, *(" " * indent + line for line in rest)]


def shown(value: Any, shape: Shape = _NO_SHAPE) -> str:
    """An answer, or a part of one, in a few words; ``shape`` says what else could stand there."""
    if value is MISSING or value is None:
        return "not said"
    if isinstance(value, Mapping | list):
        return _all_shown(value, shape) or "none"
    if "anyOf" in shape and is_text(shape):
        return _as_in_a_file(value)
    return plain(word(value)) if value != "" else '""'


def brief(value: Any, shape: Shape = _NO_SHAPE, width: int = 50) -> str:
    """An answer in a few words, and no more than fit."""
    text = shown(value, shape)
    return text if cells(text) <= width else text[: width - 3] + "..."


def _all_shown(value: Mapping[Any, Any] | list[Any], shape: Shape) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(str(key))}: {_inner(item, part_of(shape, key))}" for key, item in value.items())
    between = "; " if any(isinstance(item, Mapping) for item in value) else ", "
    return between.join(shown(item, part_of(shape, at)) for at, item in enumerate(value))


def _as_in_a_file(value: Any) -> str:
    """Where a text and a number may stand: a text that reads like something else is in quotes."""
    if not isinstance(value, str):
        return plain(written(value))
    try:
        like_another = not isinstance(yaml.safe_load(value), str)
    except Exception:  # noqa: BLE001 - whatever its constructors raise, it is text
        like_another = False
    return f'"{plain(value)}"' if like_another or value != value.strip() else plain(value)


def _inner(value: Any, shape: Shape) -> str:
    return f"({shown(value, shape)})" if isinstance(value, Mapping | list) and value else shown(value, shape)
