"""A terminal that can only write lines (``TERM=dumb``, a strange encoding): numbers in place of arrows."""

from __future__ import annotations

import getpass
import shutil
import sys
from collections.abc import Container, Sequence
from typing import Any

from generator.wizard.layout import WIDEST, cells, columns
from generator.wizard.prompter import Back, Option


class Lines:
    """Prompts that are answered with a line each."""

    back = "<"
    typing = 'An empty line accepts the value in brackets; "" is an empty text.'

    def width(self) -> int:
        """One column stays free."""
        return max(min(shutil.get_terminal_size().columns, WIDEST + 1) - 1, 20)

    def say(self, text: str, *, strong: bool = False) -> None:  # noqa: ARG002 - there is only one kind of text
        """Some lines."""
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        sys.stdout.flush()

    def text(self, label: str, default: str = "", placeholder: str = "") -> str:
        """One line; an empty one is the default, and ``""`` an empty text."""
        if placeholder and not default:
            self.say(f"  {placeholder}")
        line = self._whole_line(f"? {label} [{default}] " if default else f"? {label} ")
        return "" if line == '""' else line or default

    def confirm(self, label: str, *, default: bool) -> bool:
        """Yes or no; an empty line is the default."""
        while True:
            line = self._line(f"? {label} {'(Y/n)' if default else '(y/N)'} ").lower()
            if line in ("", "y", "yes", "n", "no"):
                return line[0] == "y" if line else default
            self.say("  y or n")

    def select(self, label: str, options: Sequence[Option], chosen: int = 0) -> Any:
        """The number of an option, or its first word; an empty line is the one that is marked."""
        self._list(options, lambda number: ">" if number == chosen else " ")
        while True:
            line = self._line(f"? {label} [{chosen + 1}] ")
            number = _number(line, options) if line else chosen
            if number is not None:
                return options[number].value
            self.say(f"  a number from 1 to {len(options)}")

    def tick(self, label: str, options: Sequence[Option], ticked: Container[Any] = ()) -> list[Any]:
        """Numbers with spaces or commas between them; an empty line keeps what is marked, ``-`` takes none."""
        self._list(options, lambda number: "*" if options[number].value in ticked else " ")
        while True:
            words = self._line(f"? {label} (numbers; - for none) ").replace(",", " ").split()
            if not words:
                return [option.value for option in options if option.value in ticked]
            numbers = [] if words == ["-"] else [_number(word, options) for word in words]
            if None not in numbers:
                return [option.value for number, option in enumerate(options) if number in numbers]
            self.say(f"  numbers from 1 to {len(options)}")

    def password(self, label: str) -> str:
        """One line that is not shown."""
        return getpass.getpass(f"? {label} ")

    def _line(self, prompt: str) -> str:
        return self._whole_line(prompt).strip()

    def _whole_line(self, prompt: str) -> str:
        self.say("")
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        if line.strip() == "<":
            raise Back
        return line.rstrip("\r\n")

    def _list(self, options: Sequence[Option], mark: Any) -> None:
        indent = min(max(cells(option.title) for option in options), 32) + 9
        for number, option in enumerate(options):
            title = f"{mark(number)} {number + 1:>3}  {option.title}"
            self.say("\n".join(columns(title, option.explains, indent, self.width())))


def _number(line: str, options: Sequence[Option]) -> int | None:
    if line.isdecimal():
        return int(line) - 1 if 1 <= int(line) <= len(options) else None
    return next((number for number, option in enumerate(options) if option.title == line), None)
