"""A person without a terminal: what is asked, in its order, and what is answered."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from generator.wizard.layout import cells, columns
from generator.wizard.prompter import Back, Option

ENTER, BACK, STOP = object(), object(), object()
WIDTH = 79


class Script:
    """Answers prompts from a list of (label, reply): a text, an option's title, or a list of titles.

    Everything that is shown is looked at: nothing is wider than the terminal.
    """

    back = "Back"
    typing = "Typing replaces."

    def __init__(self, *replies: tuple[str, Any], enter: bool = False) -> None:
        self._replies = list(replies)
        self._enter = enter
        self.said: list[str] = []
        self.asked: list[str] = []
        self.shown: dict[str, list[Option]] = {}
        self.proposed: dict[str, str] = {}

    @property
    def text_said(self) -> str:
        return " ".join(" ".join(self.said).split())

    @property
    def through(self) -> bool:
        return not self._replies

    def width(self) -> int:
        return WIDTH

    def say(self, text: str, *, strong: bool = False) -> None:
        for line in text.split("\n"):
            assert cells(line) <= WIDTH, line
            assert line.isprintable(), line
        self.said.append(text)

    def text(self, label: str, default: str = "", placeholder: str = "") -> str:
        assert cells(f"? {label}: ") < WIDTH
        self.proposed[label] = default
        reply = self._reply(label)
        return default if reply is ENTER else str(reply)

    def confirm(self, label: str, *, default: bool) -> bool:
        assert cells(f"? {label} (Y/n)") < WIDTH
        reply = self._reply(label)
        return default if reply is ENTER else bool(reply)

    def select(self, label: str, options: Sequence[Option], chosen: int = 0) -> Any:
        self._look_at(label, options)
        reply = self._reply(label)
        if reply is ENTER:
            return options[chosen].value
        return next(option.value for option in options if option.title.split() == str(reply).split())

    def tick(self, label: str, options: Sequence[Option], ticked: Container[Any] = ()) -> list[Any]:
        self._look_at(label, options)
        reply = self._reply(label)
        if reply is ENTER:
            return [option.value for option in options if option.value in ticked]
        return [option.value for option in options if option.title in reply]

    def password(self, label: str) -> str:
        return str(self._reply(label))

    def _look_at(self, label: str, options: Sequence[Option]) -> None:
        self.shown[label] = list(options)
        assert cells(f"? {label} (arrows, then Enter)") < WIDTH
        for option in options:
            for line in columns(option.title, option.explains, 34, WIDTH - 5):
                assert cells(line) <= WIDTH - 5, line

    def _reply(self, label: str) -> Any:
        self.asked.append(label)
        assert len(self.asked) < 500, self.asked[-10:]
        if not self._replies and self._enter:
            return ENTER
        assert self._replies, f"{label} is asked, and nothing more was expected; asked so far: {self.asked}"
        wanted, reply = self._replies[0]
        if wanted != label and self._enter:
            return ENTER
        assert wanted == label, f"{label} is asked, not {wanted}; asked so far: {self.asked}"
        self._replies.pop(0)
        if reply is BACK:
            raise Back
        if reply is STOP:
            raise KeyboardInterrupt
        return reply
