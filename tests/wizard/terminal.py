"""The command in a real pseudo-terminal, and what a person sees on its screen."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pexpect
import pyte

ENTER, DOWN, UP, SPACE, BACK, STOP, END = "\r", "\x1b[B", "\x1b[A", " ", "\x1b[Z", "\x03", "\x04"
HEADING = re.compile(r"^(.+) · (\d+) of (\d+)$", re.MULTILINE)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()=>][0-9A-Z]?")
COLOURS = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


class Terminal:
    """A terminal of 80 columns and 24 lines with ``create`` in it."""

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        places = () if "--sandbox" in arguments else ("--no-provision", "--infra", str(folder / "infra"))
        self._process: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            ["-m", "generator", "create", *places, *arguments],
            dimensions=(24, 80),
            env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[2]), **environ},
            cwd=str(folder),
            encoding="utf-8",
            timeout=30,
        )
        self._process.delaybeforesend = None
        self._screen = pyte.HistoryScreen(80, 24, history=2000)
        self._stream = pyte.Stream(self._screen)
        self.raw = ""

    @property
    def display(self) -> list[str]:
        """The lines of the screen."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """Everything that was to be seen, in lines as they stood."""
        gone = ["".join(line[at].data for at in range(80)).rstrip() for line in self._screen.history.top]
        return "\n".join([*gone, *self.display])

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    @property
    def prompt(self) -> str:
        """The prompt that waits: the last one on the screen."""
        return next((line[2:] for line in reversed(self.display) if line.startswith("? ")), "")

    @property
    def mark(self) -> str:
        """The option that is marked in the list that waits."""
        at = max((at for at, line in enumerate(self.display) if line.startswith("? ")), default=0)
        marked = [line for line in self.display[at:] if line.startswith(" > ")]
        return " ".join((marked or [""])[-1].lstrip(" >●○").split())  # a window that was resized may show an older one

    @property
    def marked(self) -> str:
        """The text that is shown in reverse."""
        cells = (self._screen.buffer[row][column] for row in range(self._screen.lines) for column in range(80))
        return "".join(cell.data for cell in cells if cell.reverse)

    @property
    def headings(self) -> list[tuple[str, int, int]]:
        """All headings that were shown, with their numbers."""
        return [(group, int(number), int(total)) for group, number, total in HEADING.findall(self.text)]

    def until(self, there: Callable[[], bool], what: str) -> None:
        """Read until something is to be seen."""
        while not there():
            try:
                self._feed(self._process.read_nonblocking(4096, timeout=30))
            except (pexpect.EOF, pexpect.TIMEOUT) as error:
                raise AssertionError(f"{what} is not to be seen:\n{self.text}") from error

    def sees(self, text: str) -> None:
        self.until(lambda: text in self.words, text)

    def asks(self, label: str) -> None:
        """Wait for a prompt that is not answered yet."""
        waiting = (f"{label}:", f"{label} (")
        self.until(lambda: self.prompt.startswith(waiting), f"? {label}")

    def types(self, *keys: str) -> None:
        for key in keys:
            self._process.send(key)

    def answers(self, *pairs: str | tuple[str, ...]) -> None:
        """Labels, each with the keys before Enter."""
        for label, *keys in ((pair,) if isinstance(pair, str) else pair for pair in pairs):
            self.asks(label)
            before = len(self.raw)
            self.types(*keys, ENTER)
            self.until(lambda before=before: "\n" in self.raw[before:], f"what comes after {label}")  # type: ignore[misc]

    def picks(self, label: str, title: str) -> None:
        """Take an option of a list by its title, however far down it is."""
        self.asks(label)
        self.until(lambda: bool(self.mark), "a mark")
        first = marked = self.mark
        while not f"{marked} ".startswith(f"{title} "):
            self.types(DOWN)
            self.until(lambda marked=marked: self.mark not in ("", marked), f"a mark beside {title}")  # type: ignore[misc]
            marked = self.mark
            assert marked != first, f"{title} is no option:\n{self.text}"
        self.answers((label,))

    def resize(self, rows: int, columns: int) -> None:
        self._screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def ends(self) -> tuple[int | None, str]:
        """Exit code, and everything that was to be seen on one line."""
        while True:
            try:
                self._feed(self._process.read_nonblocking(4096, timeout=30))
            except pexpect.EOF:
                break
        self._process.close()
        return self._process.exitstatus, self.words

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def hang_up(self) -> None:
        """Close the terminal, as a window that is closed."""
        os.close(self._process.child_fd)

    def close(self) -> None:
        with suppress(OSError):  # hung up already
            self._process.close(force=True)

    def _feed(self, seen: str) -> None:
        self.raw += seen
        self._stream.feed(seen)
