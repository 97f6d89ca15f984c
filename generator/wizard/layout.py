"""Text for a terminal: wrapped between words, and answers in a few words. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generator.questions import MISSING

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
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` columns; a word that is longer than a line is continued on the next."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in _pieces(paragraph.split(), max(width, 8)):
            if line and cells(line) + 1 + cells(word) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def _pieces(words: Sequence[str], width: int) -> Iterator[str]:
    for word in words:
        piece, taken = "", 0
        for char in word:
            if taken + _cells(char) > width:
                yield piece
                piece, taken = "", 0
            piece, taken = piece + char, taken + _cells(char)
        yield piece


def columns(cell: str, text: str, indent: int, width: int) -> list[str]:
    """``cell``, and ``text`` beside it in a column that begins at ``indent``."""
    pad = indent - cells(cell)
    if not text:
        return [cell]
    if pad < 1 or width - indent < 20:  # no room beside it
        return [cell, *(f"    {line}" for line in wrap(text, max(width - 4, 8)))]
    first, *rest = wrap(text, width - indent)
    return [cell + " " * pad + first, *(" " * indent + line for line in rest)]


def told(value: Any) -> str:
    """An answer, or a part of one, in a few words."""
    if value is MISSING or value is None:
        return "not said"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping | list) and not value:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(str(key))}: {_inner(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ("; " if any(isinstance(item, Mapping) for item in value) else ", ").join(map(told, value))
    return plain(str(value)) if value != "" else '""'


def brief(value: Any, width: int = 50) -> str:
    """An answer in a few words, and no more than fit."""
    text = told(value)
    return text if cells(text) <= width else text[: width - 3] + "..."


def _inner(value: Any) -> str:
    return f"({told(value)})" if isinstance(value, Mapping | list) and value else told(value)
