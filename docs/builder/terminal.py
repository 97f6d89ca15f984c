"""A command in a real pseudo-terminal, and the screen that a person would see."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pexpect
import pyte
from pyte.screens import Char

PATIENCE = 60.0
"""Seconds that a capture waits for what it waits for."""
REST = 0.3
"""Seconds without output after which a screen is at rest."""


@dataclass(frozen=True)
class Run:
    """A stretch of characters that look alike."""

    text: str
    colour: str = "default"
    background: str = "default"
    bold: bool = False
    reverse: bool = False


@dataclass(frozen=True)
class Picture:
    """The lines of a screen, empty ones at its end left out."""

    columns: int
    lines: tuple[tuple[Run, ...], ...]

    @property
    def text(self) -> str:
        """What one reads, line by line."""
        return "\n".join("".join(run.text for run in line).rstrip() for line in self.lines)


class Terminal:
    """A terminal with a process in it. ``rows`` may be as many as the whole output has lines."""

    def __init__(
        self, command: Sequence[str], *, columns: int, rows: int, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self._columns = columns
        self._process: pexpect.spawn[str] = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(folder),
            env={**environment, "COLUMNS": str(columns), "LINES": str(rows), "TERM": "xterm-256color"},
            dimensions=(rows, columns),
            encoding="utf-8",
            timeout=PATIENCE,
        )

    def press(self, keys: str) -> None:
        """Type something."""
        self._process.send(keys)

    def wait_for(self, text: str) -> None:
        """Go on once ``text`` stands on the screen. Raises ``TimeoutError`` with the screen as it is."""
        end = time.monotonic() + PATIENCE
        while text not in "\n".join(self._screen.display):
            if time.monotonic() > end or not self._read():
                raise TimeoutError(f"'{text}' does not come; the screen:\n" + "\n".join(self._screen.display))

    def press_until(self, key: str, text: str, most: int = 40) -> None:
        """Type a key again and again, each time when the screen has come to rest, until ``text`` stands there."""
        for _ in range(most):
            self._rest()
            if text in "\n".join(self._screen.display):
                return
            self.press(key)
        raise TimeoutError(f"'{text}' does not come; the screen:\n" + "\n".join(self._screen.display))

    def wait_for_end(self) -> int:
        """Let the process come to its end; its exit code."""
        while self._read():
            pass
        self._process.close()
        return self._process.exitstatus if self._process.exitstatus is not None else -1

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._process.close(force=True)

    def picture(self) -> Picture:
        """The screen as it is now."""
        lines = [
            _runs([self._screen.buffer[row][column] for column in range(self._columns)])
            for row in range(self._screen.lines)
        ]
        while lines and not lines[-1]:
            lines.pop()
        return Picture(self._columns, tuple(lines))

    def _rest(self) -> None:
        """Read until something was shown, and nothing more comes."""
        self._read()
        while self._read(REST):
            pass

    def _read(self, patience: float = PATIENCE) -> bool:
        try:
            self._stream.feed(self._process.read_nonblocking(65536, patience))
        except (pexpect.EOF, pexpect.TIMEOUT):
            return False
        return True


def _runs(characters: Sequence[Char]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for char in characters:
        one = Run(char.data, char.fg, char.bg, char.bold, char.reverse)
        last = runs[-1] if runs else None
        if last is not None and last == Run(last.text, one.colour, one.background, one.bold, one.reverse):
            runs[-1] = Run(last.text + one.text, one.colour, one.background, one.bold, one.reverse)
        else:
            runs.append(one)
    while runs and not runs[-1].text.strip() and runs[-1].background == "default" and not runs[-1].reverse:
        runs.pop()
    if runs and runs[-1].background == "default" and not runs[-1].reverse:
        runs[-1] = replace(runs[-1], text=runs[-1].text.rstrip())
    return tuple(runs)
