"""What a conversation needs of a terminal, whichever that is. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Back(Exception):  # noqa: N818 - a wish, no error
    """The person wants to go back one step."""


class BackToStart(Back):
    """The same at the first question of all; ``typed`` is what was answered so far."""

    def __init__(self, typed: Any = None) -> None:
        super().__init__()
        self.typed = typed


@dataclass(frozen=True)
class Option:
    """Something to choose; ``explains`` says what it leads to, in a line or two.

    ``stands`` is what is shown behind the question once it is chosen, where that is not the title.
    """

    value: Any
    title: str
    explains: str = ""
    stands: str = ""


class Prompter(Protocol):
    """Asks a person. Every prompt raises ``Back``, and ``KeyboardInterrupt`` or ``EOFError`` for an end."""

    @property
    def back(self) -> str:
        """The key that goes back, in words."""

    @property
    def typing(self) -> str:
        """What typing does to a text that is proposed, in a sentence."""

    def width(self) -> int:
        """Columns that may be written."""

    def say(self, text: str, *, strong: bool = False) -> None:
        """Write some lines, which are no wider than the terminal already."""

    def text(self, label: str, default: str = "", placeholder: str = "") -> str:
        """One line, blanks and all; ``default`` is what Enter takes."""

    def confirm(self, label: str, *, default: bool) -> bool:
        """Yes or no."""

    def select(self, label: str, options: Sequence[Option], chosen: int = 0) -> Any:
        """The value of one option; the one at ``chosen`` is taken with Enter."""

    def tick(self, label: str, options: Sequence[Option], ticked: Container[Any] = ()) -> list[Any]:
        """The values of any number of options."""

    def password(self, label: str) -> str:
        """One line that is not shown."""
