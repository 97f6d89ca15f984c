"""A collection of strings in code of another language: Python's, JavaScript's or JSON's sets, lists and tuples.

Only what they have in common is read: quoted strings, commas, brackets, and comments that end with their line.
What can't be read that way is refused, never guessed at. Offsets are bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from generator.infra_repo.hcl import Comment, Container, Element
from generator.infra_repo.registrations.edits import PlaceNotFoundError

_TOKEN = re.compile(
    rb"""(?P<string>"(?:\\.|[^"\\\r\n])*"|'(?:\\.|[^'\\\r\n])*')|(?P<comment>(?:\#|//)[^\r\n]*)|(?P<blank>\s+)
    |(?P<comma>,)|(?P<opened>[\[({])|(?P<closed>[\])}])|(?P<quote>["'`])|(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})|x(?P<two>[0-9a-fA-F]{2})|(?P<one>.))"
)
_SHORT = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
_WRITTEN = {char: "\\" + name for name, char in _SHORT.items() if name != "'"}


def quote(value: str) -> str:
    """``value`` as a string in double quotes that means nothing to a template around it: no ``${``, no ``%{``."""
    plain = "".join(_character(char) for char in value)
    return '"' + plain.replace("${", "\\u0024{").replace("%{", "\\u0025{") + '"'


def read_collection(data: bytes, start: int, end: int, closing: str) -> tuple[Container, tuple[Comment, ...]]:
    """The collection that begins at ``start`` and ends before ``end`` with the mark ``closing``, and its comments.

    Raises ``PlaceNotFoundError`` where it doesn't end there or can't be read.
    """
    reader = _Reader(data)
    mark = closing.encode()
    at = start
    while at < end:
        if not reader.depth and data.startswith(mark, at):
            reader.separate(None)
            return Container("list", start, at, tuple(reader.elements)), tuple(reader.comments)
        match = _TOKEN.match(data, at, end)
        if match is None or not reader.take(match):
            break
        at = match.end()
    raise PlaceNotFoundError(f"its content can't be read up to its '{closing}'")


@dataclass
class _Reader:
    """Puts tokens together to elements; ``tokens`` are those of the element that is being read."""

    data: bytes
    depth: int = 0
    tokens: list[re.Match[bytes]] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    def take(self, token: re.Match[bytes]) -> bool:
        """Take one token; False where it is not allowed."""
        kind = token.lastgroup
        if kind == "comment":
            self.comments.append(Comment(token.start(), token.end(), token[0].decode()))
        elif kind == "comma" and not self.depth:
            return self.separate(token.end())
        elif kind != "blank":
            self.depth += {"opened": 1, "closed": -1}.get(kind or "", 0)
            self.tokens.append(token)
        return kind != "quote" and self.depth >= 0

    def separate(self, comma: int | None) -> bool:
        """End the element that is being read; False where none is being read."""
        if not self.tokens:
            return False
        first, last = self.tokens[0], self.tokens[-1]
        value = _unquote(first[0].decode()) if first is last and first.lastgroup == "string" else None
        self.elements.append(Element(first.start(), last.end(), first.start(), comma, None, value))
        self.tokens = []
        return True


def _unquote(source: str) -> str:
    """The text that a quoted string means. An invalid escape stays as it is, which is Python's way."""

    def decode(match: re.Match[str]) -> str:
        code = match["four"] or match["eight"] or match["two"]
        return chr(int(code, 16)) if code else _SHORT.get(match["one"], match[0])

    return _ESCAPE.sub(decode, source[1:-1])


def _character(char: str) -> str:
    if char in _WRITTEN or char.isprintable():
        return _WRITTEN.get(char, char)
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"
