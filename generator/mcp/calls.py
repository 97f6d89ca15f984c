"""One call of a tool: the command line's own code, in this process, with its JSON objects caught."""

from __future__ import annotations

import io
import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from generator.base.errors import NewserviceError
from generator.base.secrets import forgotten_afterwards
from generator.base.stopping import stopped_by
from generator.cli.faults import as_reported
from generator.cli.json_lines import JsonReporter
from generator.cli.runner import report_failure, run_command

Event = dict[str, Any]

_LAST_WORDS = ("error", "result")
"""Events of a command that has ended already."""


@dataclass
class Call:
    """A command under way. ``on_event`` is called with every object, by any of the command's threads."""

    on_event: Callable[[Event], None] = lambda _: None
    events: list[Event] = field(default_factory=list)
    _unwanted: threading.Event = field(default_factory=threading.Event)
    _stopped: bool = False
    _thread: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self, line: Sequence[str], answers: Mapping[str, Any] | None, guard: Callable[[], None] = lambda: None
    ) -> None:
        """Run a command line, with ``answers`` as its answers file, unless ``guard`` raises.

        Whatever goes wrong is reported as on the command line. Secrets that it learns are known to this call only.
        """
        self._thread = threading.get_ident()
        with forgotten_afterwards(), stopped_by(self._unwanted):
            try:
                guard()
                with _kept(answers) as flags:
                    run_command([*line[0].split(), *flags, "--json", *line[1:]], JsonReporter(_Lines(self._take)))
            except Exception as error:  # noqa: BLE001 - every call has a result
                self.refuse(as_reported(error))

    def refuse(self, error: NewserviceError) -> None:
        """Report an error in place of a command."""
        report_failure(JsonReporter(_Lines(self._take)), error)

    def stop(self) -> None:
        """Nobody waits any more: the command is interrupted, as by a person, where it waits or reports something."""
        self._unwanted.set()

    @property
    def failed(self) -> bool:
        """Whether the exit code is not 0."""
        return bool(self.events[-1]["exit_code"])

    def document(self) -> dict[str, Any]:
        """All events and the result."""
        return {"events": self.events[:-1], "result": self.events[-1]}

    def _take(self, line: str) -> None:
        event: Event = json.loads(line)
        with self._lock:
            self.events.append(event)
        self.on_event(event)
        mine = threading.get_ident() == self._thread  # where an interruption is understood
        if mine and self._unwanted.is_set() and not self._stopped and event["event"] not in _LAST_WORDS:
            self._stopped = True
            raise KeyboardInterrupt


class _Lines(io.StringIO):
    """Hands over every line that is written, by whatever thread: text and end of line may come one by one."""

    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self._take = take
        self._own = threading.local()

    def write(self, text: str, /) -> int:
        """Take text; the end of a line makes it whole."""
        *whole, self._own.begun = (getattr(self._own, "begun", "") + text).split("\n")
        for line in whole:
            self._take(line)
        return len(text)


@contextmanager
def _kept(answers: Mapping[str, Any] | None) -> Iterator[list[str]]:
    """The flag for a file with the answers that has no name on the disk: nothing of it outlives the call."""
    if answers is None:
        yield []
        return
    with tempfile.TemporaryFile("w", encoding="utf-8", errors="backslashreplace") as file:
        yaml.safe_dump(dict(answers), file, allow_unicode=True)
        file.flush()
        yield [f"--answers=/dev/fd/{file.fileno()}"]
