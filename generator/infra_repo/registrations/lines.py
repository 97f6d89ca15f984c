"""Lines of a byte string as they are: LF or CRLF, with or without an end of line at the end of the file."""

from __future__ import annotations

import unicodedata


def line_start(data: bytes, offset: int) -> int:
    """Offset of the first byte of the line that ``offset`` is in."""
    return data.rfind(b"\n", 0, offset) + 1


def line_end(data: bytes, offset: int) -> int:
    """Offset just behind the content of the line that ``offset`` is in: its end of line, or the end of file."""
    end = data.find(b"\n", offset)
    if end < 0:
        return len(data)
    return end - 1 if end > offset and data[end - 1 : end] == b"\r" else end


def newline_at(data: bytes, end: int) -> bytes:
    """The end of line found at ``end``; at the end of the file, the one that the file uses."""
    if data[end : end + 2] == b"\r\n":
        return b"\r\n"
    if data[end : end + 1] == b"\n":
        return b"\n"
    return b"\r\n" if b"\r\n" in data else b"\n"


def previous_line_end(data: bytes, offset: int) -> int:
    """Offset just behind the content of the line above the one that ``offset`` is in; 0 on the first line."""
    start = line_start(data, offset)
    if start == 0:
        return 0
    return start - 2 if data[start - 2 : start] == b"\r\n" else start - 1


def indentation(data: bytes, offset: int) -> bytes:
    """The blanks that the line of ``offset`` begins with."""
    line = data[line_start(data, offset) : line_end(data, offset)]
    return line[: len(line) - len(line.lstrip(b" \t"))]


def blank_between(data: bytes, start: int, end: int) -> bool:
    """Whether there is nothing but blanks from ``start`` to ``end``."""
    return not data[start:end].strip(b" \t\r")


def one_line(text: str) -> str:
    """``text`` on one line: runs of white space, control and direction-changing characters become one space."""
    return " ".join("".join(" " if _breaks(char) else char for char in text).split())


def _breaks(char: str) -> bool:
    # Direction overrides (Unicode TR 36) could show a reader another order than the one that is written.
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in _DIRECTION


_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
