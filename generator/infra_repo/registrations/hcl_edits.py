"""Entries in HCL files: an item of a list, an entry of a map, a block behind the last of its kind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from generator.infra_repo.hcl import Block, Container, Document, Element, parse
from generator.infra_repo.hcl_strings import quote
from generator.infra_repo.registrations import collection
from generator.infra_repo.registrations.edits import (
    ABSENT,
    PRESENT,
    EditedEntryError,
    Finding,
    PlaceNotFoundError,
    State,
)
from generator.infra_repo.registrations.lines import (
    blank_between,
    line_end,
    line_start,
    newline_at,
    one_line,
    previous_line_end,
)
from generator.infra_repo.registrations.places import open_container, open_document


@dataclass(frozen=True)
class HclListItem:
    """The string ``value`` in the list at ``place``, below a line with ``comment`` where it is given."""

    place: tuple[str, ...]
    value: str
    comment: str = ""

    @property
    def location(self) -> str:
        """The list's address."""
        return f"list {'.'.join(self.place)}"

    @property
    def identity(self) -> str:
        """The item."""
        return self.value

    @property
    def snippet(self) -> str:
        """The item with its comment."""
        return "\n".join([*_comment_lines(self.comment), f"{quote(self.value)},"])

    def find(self, text: str) -> Finding:
        """Present when an item of the list is this string."""
        _, container = open_container(text, self.place, "list")
        return PRESENT if self._element(container) else ABSENT

    def insert(self, text: str) -> str:
        """``text`` with the item behind the last one."""
        document, container = open_container(text, self.place, "list")
        return collection.insert(document, container, quote(self.value), _comment(self.comment)).decode()

    def remove(self, text: str) -> str:
        """``text`` without the item."""
        document, container = open_container(text, self.place, "list")
        element = self._element(container)
        if element is None:
            return text
        return collection.remove(document, container, element, _comment(self.comment)).decode()

    def replace(self, text: str) -> str:
        """``text`` itself: an item has nothing beside its identity."""
        return text

    def _element(self, container: Container) -> Element | None:
        return next((element for element in container.elements if element.value == self.value), None)


@dataclass(frozen=True)
class HclPattern(HclListItem):
    """A pattern with wildcards (``*``, ``?``), put into a list where none of its patterns matches ``admits``.

    Two services may need the same one: the comment names the first, and counts for neither.
    """

    comment: str = field(default="", compare=False)
    admits: str = field(default="", compare=False)

    def find(self, text: str) -> Finding:
        """Present when any pattern of the list matches."""
        _, container = open_container(text, self.place, "list")
        patterns = (part.strip() for element in container.elements for part in (element.value or "").split("|"))
        return PRESENT if any(_matches(pattern, self.admits) for pattern in patterns) else ABSENT

    def remove(self, text: str) -> str:
        """``text`` without the pattern where its comment is this one's: every other is someone else's, and stays."""
        document, container = open_container(text, self.place, "list")
        element = self._element(container)
        comment = _comment(self.comment)
        if element is None or not collection.is_below(document, container, element, comment):
            return text
        return collection.remove(document, container, element, comment).decode()


def _matches(pattern: str, text: str) -> bool:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


@dataclass(frozen=True)
class HclMapEntry:
    """``key = value``, both strings, in the map at ``place``, below a line with ``comment``.

    The comment is required: it keeps the entry out of its neighbours' alignment by ``terraform fmt``.
    """

    place: tuple[str, ...]
    key: str
    value: str
    comment: str

    @property
    def location(self) -> str:
        """The map's address."""
        return f"map {'.'.join(self.place)}"

    @property
    def identity(self) -> str:
        """The key."""
        return self.key

    @property
    def snippet(self) -> str:
        """The entry with its comment."""
        return "\n".join([*_comment_lines(self.comment), self._entry])

    @property
    def _entry(self) -> str:
        return f"{quote(self.key)} = {quote(self.value)}"

    def find(self, text: str) -> Finding:
        """Present when the map has the key with this value, drifted when with another."""
        _, container = open_container(text, self.place, "map")
        element = self._element(container)
        if element is None:
            return ABSENT
        if element.value == self.value:
            return PRESENT
        return Finding(State.DRIFTED, f"the value of {quote(self.key)} is not {quote(self.value)}")

    def insert(self, text: str) -> str:
        """``text`` with the entry behind the last one."""
        document, container = open_container(text, self.place, "map")
        return collection.insert(document, container, self._entry, _comment(self.comment)).decode()

    def remove(self, text: str) -> str:
        """``text`` without the entry."""
        document, container = open_container(text, self.place, "map")
        element = self._element(container)
        if element is None:
            return text
        if element.value != self.value:
            raise EditedEntryError(f"its value is not {quote(self.value)}")
        return collection.remove(document, container, element, _comment(self.comment)).decode()

    def replace(self, text: str) -> str:
        """``text`` with the value rewritten."""
        document, container = open_container(text, self.place, "map")
        element = self._element(container)
        if element is None:
            return text
        data = document.data
        return (data[: element.value_start] + quote(self.value).encode() + data[element.end :]).decode()

    def _element(self, container: Container) -> Element | None:
        return next((element for element in container.elements if element.key == self.key), None)


@dataclass(frozen=True)
class HclBlock:
    """``block``, one top-level block with its comments above, behind the last block that matches ``after``."""

    after: tuple[str, ...]
    block: str

    def __post_init__(self) -> None:
        self._own  # noqa: B018 - a block that can't be read must fail here, not when it is used

    @cached_property
    def _own(self) -> Block:
        document = parse(self.block)
        blocks = [block for count in range(1, 9) for block in document.blocks(["*"] * count)]
        if len(blocks) != 1 or blocks[0].end != len(self.block.encode()):
            raise ValueError("it must be exactly one block, with nothing behind it")
        start = blocks[0].start
        comments = [comment.text for comment in document.comments if comment.end <= start]
        if document.data[:start].decode() != "".join(f"{comment}\n" for comment in comments):
            raise ValueError("above the block there may be comment lines only")
        return blocks[0]

    @property
    def location(self) -> str:
        """The blocks that it follows."""
        return f"the last block {'.'.join(self.after)}"

    @property
    def identity(self) -> str:
        """The block's last label."""
        return self._own.path[-1]

    @property
    def snippet(self) -> str:
        """The block with its comments."""
        return self.block

    def find(self, text: str) -> Finding:
        """Present when a block of that type and labels has the same content, comments and spacing aside."""
        document = open_document(text)
        found = document.blocks(_literal(self._own.path))
        if not found:
            self._anchor(document)
            return ABSENT
        if found[0].tokens == self._own.tokens:
            return PRESENT
        return Finding(State.DRIFTED, f"the block {'.'.join(self._own.path)} has another content")

    def insert(self, text: str) -> str:
        """``text`` with the block, one blank line below the anchor."""
        document = open_document(text)
        data = document.data
        end = line_end(data, self._anchor(document).end)
        newline = newline_at(data, end)
        new = self.block.encode().replace(b"\n", newline)
        return (data[:end] + newline * 2 + new + data[end:]).decode()

    def remove(self, text: str) -> str:
        """``text`` without the block, its comments and the blank line above."""
        document = open_document(text)
        data = document.data
        found = document.blocks(_literal(self._own.path))
        if not found:
            return text
        start, end = self._start(data, found[0]), found[0].end
        if data[start:end].decode().replace("\r\n", "\n") != self.block or not blank_between(
            data, end, line_end(data, end)
        ):
            raise EditedEntryError("the block or its comments are not as they were written")
        cut = previous_line_end(data, start)
        if not blank_between(data, line_start(data, cut), cut):
            raise EditedEntryError("there is something else directly above it")
        return (data[: previous_line_end(data, cut)] + data[line_end(data, end) :]).decode()

    def replace(self, text: str) -> str:
        """``text`` with the block rewritten; comments above it stay."""
        document = open_document(text)
        data = document.data
        found = document.blocks(_literal(self._own.path))
        if not found:
            return text
        newline = newline_at(data, line_end(data, found[0].start))
        own = self.block.encode()[self._own.start :].replace(b"\n", newline)
        return (data[: found[0].start] + own + data[found[0].end :]).decode()

    def _start(self, data: bytes, block: Block) -> int:
        """Where our comments above ``block`` should begin, counted back in lines."""
        start = line_start(data, block.start)
        for _ in range(self.block.encode()[: self._own.start].count(b"\n")):
            start = line_start(data, start - 1) if start else 0
        return start

    def _anchor(self, document: Document) -> Block:
        blocks = document.blocks(self.after)
        if not blocks:
            raise PlaceNotFoundError(f"it has no block {'.'.join(self.after)}")
        return blocks[-1]


def _literal(path: tuple[str, ...]) -> list[str]:
    """A block's path as a pattern that matches itself only."""
    return ["".join(f"[{char}]" if char in "*?[" else char for char in part) for part in path]


def _comment(text: str) -> str:
    plain = one_line(text)
    return f"# {plain}" if plain else ""


def _comment_lines(text: str) -> list[str]:
    return [comment] if (comment := _comment(text)) else []
