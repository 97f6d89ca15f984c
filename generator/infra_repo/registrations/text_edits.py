"""Entries in prose: an item of a list that is written within a sentence, or line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from generator.infra_repo.registrations.edits import ABSENT, PRESENT, EditedEntryError, Finding, PlaceNotFoundError

# In brackets and code spans, what ends or separates items ends and separates nothing.
_ASIDE = re.compile(r"\([^()\r\n]*\)|`[^`\r\n]*`")
_COUNT = "count"


@dataclass(frozen=True)
class _Item:
    start: int
    end: int
    name: str


@dataclass(frozen=True)
class TextListItem:
    """``value`` in the list behind the one text that ``opening`` matches, up to the first that ``closing`` matches.

    Both are regular expressions; ``separator`` is the text between two items. An item is known by what comes before a
    remark in brackets. A number in the opening's group ``count`` is the number of items, and is kept in step.
    """

    opening: str
    closing: str
    separator: str
    value: str

    def __post_init__(self) -> None:
        for pattern in (self.opening, self.closing):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{pattern}' is no regular expression: {error}") from error

    @property
    def location(self) -> str:
        """What the list begins with."""
        return f"the list behind '{self.opening}'"

    @property
    def identity(self) -> str:
        """The item without its remark."""
        return _name(self.value)

    @property
    def snippet(self) -> str:
        """The item."""
        return self.value

    def find(self, text: str) -> Finding:
        """Present when an item of the list has this name, with whatever remark."""
        return PRESENT if self._item(self._open(text)) else ABSENT

    def insert(self, text: str) -> str:
        """``text`` with the item behind the last one."""
        place = self._open(text)
        written = self._break(text) + self.value if place.items else self.value
        at = place.items[-1].end if place.items else place.start
        return place.counted(text[:at] + written + text[at:], 1)

    def remove(self, text: str) -> str:
        """``text`` without the item and one of the separators beside it."""
        place = self._open(text)
        item = self._item(place)
        if item is None:
            return text
        if text[item.start : item.end] != self.value:
            raise EditedEntryError("somebody's remark belongs to it")
        at = place.items.index(item)
        start = place.items[at - 1].end if at else item.start
        end = place.items[1].start if not at and len(place.items) > 1 else item.end
        return place.counted(text[:start] + text[end:], -1)

    def replace(self, text: str) -> str:
        """``text`` itself: an item has nothing beside its identity."""
        return text

    def _item(self, place: _Place) -> _Item | None:
        return next((item for item in place.items if item.name == self.identity), None)

    def _break(self, text: str) -> str:
        return self.separator.replace("\n", "\r\n") if "\r\n" in text else self.separator

    def _open(self, text: str) -> _Place:
        """The list. Raises ``PlaceNotFoundError`` unless exactly one begins and ends as it should."""
        found = list(re.finditer(self.opening, text))
        if len(found) != 1:
            raise PlaceNotFoundError("more than one list begins so" if found else "no list begins so")
        masked = _ASIDE.sub(lambda match: "\0" * len(match[0]), text)
        end = re.compile(self.closing).search(masked, found[0].end())
        if end is None:
            raise PlaceNotFoundError(f"it does not end with '{self.closing}'")
        start, stop = found[0].end(), end.start()
        return _Place(found[0], tuple(self._items(text, masked, start, stop)) if text[start:stop].strip() else ())

    def _items(self, text: str, masked: str, start: int, end: int) -> Iterator[_Item]:
        borders = [(found.start(), found.end()) for found in self._separator.finditer(masked, start, end)]
        for first, last in zip(
            [start, *(after for _, after in borders)], [*(before for before, _ in borders), end], strict=True
        ):
            yield _Item(first, last, _name(text[first:last]))

    @cached_property
    def _separator(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.separator).replace("\\\n", r"\r?\n"))


@dataclass(frozen=True)
class _Place:
    opening: re.Match[str]
    items: tuple[_Item, ...]

    @property
    def start(self) -> int:
        return self.opening.end()

    def counted(self, text: str, step: int) -> str:
        """``text`` with the number of items that the opening names, if any, changed by ``step``."""
        if not self.opening.groupdict().get(_COUNT):
            return text
        start, end = self.opening.span(_COUNT)
        return f"{text[:start]}{int(text[start:end]) + step}{text[end:]}"


def _name(item: str) -> str:
    return item.partition(" (")[0].strip()
