"""What every kind of edit offers: find an entry in a text, put it in, take it out. Pure, text to text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class State(Enum):
    """The state of the wanted entry in a text."""

    ABSENT = "absent"
    PRESENT = "present"
    DRIFTED = "drifted"


@dataclass(frozen=True)
class Finding:
    """The state of an entry, and where it drifted, what differs."""

    state: State
    detail: str = ""


ABSENT = Finding(State.ABSENT)
PRESENT = Finding(State.PRESENT)


class PlaceNotFoundError(Exception):
    """The text has no such place, or not one that can be edited safely; the argument says why."""


class EditedEntryError(Exception):
    """The entry exists but is no longer as it was written; the argument says what differs."""


class Edit(Protocol):
    """One entry in one place. All methods are pure and raise ``PlaceNotFoundError`` where the place is missing."""

    @property
    def location(self) -> str:
        """The place, for a person."""

    @property
    def identity(self) -> str:
        """What the entry is known by: its value, key or label."""

    @property
    def snippet(self) -> str:
        """The entry as text to paste by hand."""

    def find(self, text: str) -> Finding:
        """The state of the entry in ``text``."""

    def insert(self, text: str) -> str:
        """``text`` with the entry, which must be absent."""

    def remove(self, text: str) -> str:
        """``text`` without the entry, which must exist.

        Raises ``EditedEntryError`` when the entry differs from what ``insert`` writes.
        """

    def replace(self, text: str) -> str:
        """``text`` with the drifted entry rewritten as wanted."""
