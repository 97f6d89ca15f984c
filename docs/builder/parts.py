"""Generated parts of a page: the text between a mark and the next end, regenerated from the code.

A part is marked ``<!-- generated: NAME ARGUMENT -->`` and ends with ``<!-- end -->``. Both are comments, so a page is
read as plain Markdown everywhere. What the code can't know (the meaning of a row, say) is written by hand into the
generated table, and kept: its row is found by the first cell, its column by the head.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

Rows = Mapping[str, Mapping[str, str]]
"""Rows of a part as it stands in the page: by first cell, then by column."""

Part = Callable[[str, Rows], str]
"""From a part's argument and its rows as they stand to its Markdown."""

_PART = re.compile(
    r"^(?P<mark><!-- generated: (?P<name>\S+)(?P<argument>[^\n]*?) -->\n)"
    r"(?:(?!<!-- generated: ).)*?(?P<end><!-- end -->)$",
    re.S | re.M,
)
_MARK = re.compile(r"^<!-- generated: ", re.M)


class PartError(ValueError):
    """A page asks for a part that there is not."""


def regenerate(text: str, parts: Mapping[str, Part]) -> str:
    """``text`` with all its generated parts regenerated.

    Raises ``PartError`` for a part that nobody makes, or a mark without an end.
    """

    def make(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in parts:
            raise PartError(f"nothing makes the part '{name}'; there are {', '.join(sorted(parts))}")
        body = parts[name](found["argument"].strip(), rows(found[0])).strip()
        return f"{found['mark']}\n{body}\n\n{found['end']}" if body else f"{found['mark']}\n{found['end']}"

    made = _PART.sub(make, text)
    if len(_MARK.findall(text)) != len(_PART.findall(text)):
        raise PartError("a mark '<!-- generated: … -->' has no '<!-- end -->' of its own")
    return made


def rows(text: str) -> Rows:
    """The rows of all tables in ``text``."""
    found: dict[str, dict[str, str]] = {}
    head: list[str] = []
    for line in text.splitlines():
        cells = _cells(line)
        if not cells:
            head = []
        elif not head:
            head = cells
        elif not re.fullmatch(r"[-: ]+", cells[0]):
            found[cells[0]] = dict(zip(head, cells, strict=False))
    return found


def _cells(line: str) -> list[str]:
    if not line.startswith("|"):
        return []
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    shown = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in shown).replace("|  |", "| |").replace("|  |", "| |")


def kept(old: Rows, key: str, column: str, otherwise: str = "") -> str:
    """What was written by hand into this row and column."""
    return old.get(key, {}).get(column, "") or otherwise


def sentence(text: str) -> str:
    """One line of text that begins with a capital and ends with a full stop."""
    text = " ".join(text.split())
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "?", "!", ":")) else ".")
