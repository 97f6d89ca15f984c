"""Tables of Markdown files as GitHub renders them: sections, rows, cells, and text that stays text in a cell.

Follows CommonMark 0.31 (headings, fences, escapes) and the table extension of GitHub Flavored Markdown: a
pipe ends a cell unless a backslash directly precedes it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

from generator.infra_repo.registrations.lines import one_line

_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t](?P<text>.*))?$")
_CLOSING = re.compile(r"(?:(?<=[ \t])|^)#+$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
_DELIMITER = re.compile(r" {0,3}\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+$")
_OTHER_BLOCK = re.compile(r" {0,3}(?:>|#{1,6}(?:[ \t]|$)|`{3}|~{3}|<!--|(?:[*_-][ \t]*){3,}$)| {4}|\t")
_PIPE = re.compile(r"(?<!\\)\|")
_REFERENCE = r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]*);"
_ENTITY = re.compile(_REFERENCE)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|" + _REFERENCE)
_WRAPPED = re.compile(r"(\*\*|__|~~|\*|_|`)(?P<text>.+)\1$")
_LINK = re.compile(r"\[(?P<text>.*)\]\([^()]*\)$")


@dataclass(frozen=True)
class Line:
    """A line without its end of line; offsets are characters of the text."""

    start: int
    text: str

    @property
    def end(self) -> int:
        """Offset behind the line's content."""
        return self.start + len(self.text)


@dataclass(frozen=True)
class Cell:
    """A cell's source between its pipes."""

    start: int
    source: str

    @property
    def end(self) -> int:
        """Offset behind the cell's source."""
        return self.start + len(self.source)

    @property
    def text(self) -> str:
        """What a reader sees: markup around the whole and escapes resolved."""
        return plain(self.source)


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    line: Line
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table below the heading ``section``; ``rows`` are those of its body, ``last`` is its last line."""

    section: str
    header: Row
    rows: tuple[Row, ...]
    last: Line

    def column(self, name: str) -> int | None:
        """Index of the column with that header."""
        names = [cell.text for cell in self.header.cells]
        return names.index(name) if name in names else None


@lru_cache(maxsize=8)
def tables(text: str) -> tuple[Table, ...]:
    """All tables of a Markdown text, in order; those in code blocks and comments are none."""
    found: list[Table] = []
    section = ""
    lines = list(_visible(text))
    index = 0
    while index < len(lines):
        heading = _heading(lines, index)
        if heading is not None:
            section = heading
        table = _table(lines, index, section)
        if table is not None:
            found.append(table)
            index += 1 + len(table.rows)
        index += 1
    return tuple(found)


def sections(text: str) -> list[str]:
    """The text of all headings, in order."""
    lines = list(_visible(text))
    return [heading for index in range(len(lines)) if (heading := _heading(lines, index)) is not None]


def code(text: str, *, cell: bool = False) -> str:
    """Foreign text, such as a path, as code on one line: nothing in it is markup, and no one is mentioned by it."""
    line = one_line(text)
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    blank = " " if "`" in line else ""
    shown = line.replace("|", r"\|") if cell else line  # Markdown splits a table's cells before it looks for code
    return f"{fence}{blank}{shown}{blank}{fence}"


def escape(text: str) -> str:
    """``text`` as a cell's source that renders as exactly that text on one line.

    Ordinary words, names with underscores, and punctuation that means nothing in Markdown stay as they are.
    """
    line = one_line(text)
    line = re.sub(r"[\\`\[\]<~]", r"\\\g<0>", line)
    line = re.sub(r"(?<!\s)\*|\*(?!\s)", r"\\*", line)
    line = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", line)
    line = re.sub(r"(?i)\b(https?|ftp)://", r"\1:\\/\\/", line)  # GitHub links bare addresses
    line = re.sub(r"(?i)\bwww\.", lambda match: match.group()[:-1] + r"\.", line)
    line = _ENTITY.sub(r"\\\g<0>", line)
    if line.count("$") > 1:  # a pair of them is mathematics on GitHub
        line = line.replace("$", r"\$")
    return re.sub(r"(\\*)\|", lambda match: match.group(1) + ("&#124;" if match.group(1) else r"\|"), line)


def plain(source: str) -> str:
    """The text that a cell's source shows, with markup around the whole of it taken off."""
    text = source.strip()
    for pattern in (_WRAPPED, _LINK, _WRAPPED):
        match = pattern.match(text)
        text = match.group("text") if match else text
    return _ESCAPED.sub(lambda match: match.group(1) or html.unescape(match.group()), text)


def _lines(text: str) -> Iterator[Line]:
    # Not str.splitlines, which also breaks at characters that are no line ends in Markdown.
    start = 0
    for piece in text.split("\n"):
        yield Line(start, piece.removesuffix("\r"))
        start += len(piece) + 1


def _visible(text: str) -> Iterator[Line]:
    """The lines; those inside fenced code and HTML comments come out empty."""
    fence = ""
    comment = False
    for line in _lines(text):
        opening = _FENCE.match(line.text)
        if fence:
            closing = line.text.strip(" \t")
            if opening and set(closing) == {fence[0]} and len(closing) >= len(fence):
                fence = ""
        elif comment:
            comment = "-->" not in line.text
        elif opening:
            fence = opening.group("fence")
        elif re.match(r" {0,3}<!--", line.text):
            comment = "-->" not in line.text.split("<!--", 1)[1]
        else:
            yield line
            continue
        yield Line(line.start, "")


def _heading(lines: list[Line], index: int) -> str | None:
    match = _HEADING.match(lines[index].text)
    if match:
        return plain(_CLOSING.sub("", (match.group("text") or "").strip(" \t")).rstrip(" \t"))
    below = lines[index + 1].text if index + 1 < len(lines) else ""
    text = lines[index].text
    if text.strip() and _UNDERLINE.match(below) and not text.startswith("    ") and "|" not in text:
        return plain(text)
    return None


def _table(lines: list[Line], index: int, section: str) -> Table | None:
    if index + 1 >= len(lines) or "|" not in lines[index].text:
        return None
    header, delimiter = _row(lines[index]), lines[index + 1]
    if not _DELIMITER.match(delimiter.text) or len(_row(delimiter).cells) != len(header.cells):
        return None
    body = []
    for line in islice(lines, index + 2, None):
        if not line.text.strip() or _OTHER_BLOCK.match(line.text):
            break
        body.append(_row(line))
    return Table(section, header, tuple(body), body[-1].line if body else delimiter)


def _row(line: Line) -> Row:
    start = len(line.text) - len(line.text.lstrip(" \t"))
    end = len(line.text.rstrip(" \t"))
    pipes = [match.start() for match in _PIPE.finditer(line.text)]
    if pipes and pipes[0] == start:
        start = pipes.pop(0) + 1
    if pipes and pipes[-1] == end - 1:
        end = pipes.pop()
    bounds = [start - 1, *pipes, end]
    return Row(
        line,
        tuple(Cell(line.start + left + 1, line.text[left + 1 : right]) for left, right in pairwise(bounds)),
    )
