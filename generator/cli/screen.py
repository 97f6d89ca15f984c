"""How text looks on a terminal: lines that are folded below their column, and colours unless NO_COLOR is set.

Without a terminal, text is as it is.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, TextIO

import click

from generator.base.lazy_import import lazily

if TYPE_CHECKING:
    import shutil
    import textwrap
else:
    shutil, textwrap = lazily("shutil"), lazily("textwrap")

SIGNS = {
    "create": "+", "update": "~", "delete": "-", "none": "=", "refuse": "!", "unchanged": "=", "conflict": "!",
    "add": "+", "present": "=", "remove": "-", "done": "+", "failed": "!", "skipped": ".",
}  # fmt: skip
"""What is, or was, done with a file, a registration or a step."""

_SIGNED = re.compile(r"^(\s*)([-+~!?])( .*)$")
_COLOURS = {"+": "green", "-": "red", "~": "yellow", "!": "red", "?": "yellow"}

_COLUMN = re.compile(r"^.{4,60}(?<=\S)\s{2,}(?=\S)")
"""What stands before the last column of a line."""


def coloured(stream: TextIO) -> bool:
    """Whether this stream shows colours (https://no-color.org)."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in ("", "dumb") and stream.isatty()


def folded(text: str, width: int = 0) -> str:
    """A text with its long lines broken between words, each going on below the column where it began.

    ``width``: of the screen; 0 asks the terminal. A word that is too long, such as an address, stays whole.
    """
    width = width or shutil.get_terminal_size().columns
    return "\n".join(_fold(line, width) for line in text.split("\n"))


def _fold(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    column = _COLUMN.match(line)
    indent = column.end() if column and column.end() < width - 20 else len(line) - len(line.lstrip()) + 4
    return textwrap.fill(
        line[indent:],
        width,
        initial_indent=line[:indent],
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


def paint(text: str) -> str:
    """A text of ours with its signs in colours, and its first line strong where it is a heading."""
    return "\n".join(_line(line) for line in text.split("\n"))


def paint_diff(text: str) -> str:
    """A unified diff in its usual colours."""
    return "\n".join(_diff_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    found = _SIGNED.match(line)
    if found:
        space, sign, rest = found.groups()
        return f"{space}{click.style(sign, fg=_COLOURS[sign])}{rest}"
    return click.style(line, bold=True) if line and not line.startswith(" ") else line


def _diff_line(line: str) -> str:
    if line.startswith(("+++", "---")):
        return click.style(line, bold=True)
    if line.startswith("@@"):
        return click.style(line, fg="cyan")
    return click.style(line, fg=_COLOURS[line[0]]) if line.startswith(("+", "-")) else line
