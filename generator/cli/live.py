"""The steps of a run on a terminal, each with its state and how long it takes, while they run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from generator.base.parallel import StepResult
from generator.base.secrets import redact
from generator.base.terminal_text import visible
from generator.cli.screen import SIGNS

_STYLES = {"done": "green", "failed": "red", "running": "bold", "waiting": "dim", "skipped": "dim"}


class LiveSteps:
    """A list that is drawn again in its place until ``close``, which removes it: permanent lines are written above.

    Raises nothing if it can't be drawn; ``fits`` says beforehand whether it can.
    """

    def __init__(self, steps: Sequence[str], stream: TextIO) -> None:
        self._steps = tuple(steps)
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._begun: dict[str, float] = {}
        self._ended: dict[str, StepResult] = {}
        self._live = Live(
            self,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    @property
    def fits(self) -> bool:
        """Whether this terminal can draw it, whole."""
        console = self._console
        return console.is_terminal and not console.is_dumb_terminal and console.height > len(self._steps) + 2

    @property
    def through(self) -> bool:
        """Whether no step is left."""
        return set(self._steps) <= set(self._ended)

    def begun(self, step: str) -> None:
        """A step has started."""
        self._begun.setdefault(step, time.monotonic())
        if not self._live.is_started:
            self._live.start(refresh=True)

    def ended(self, result: StepResult) -> None:
        """A step has ended."""
        self._ended[result.id] = result

    def note(self, text: str) -> None:
        """A line that stays, above the list."""
        self._console.print(Text(visible(redact(text))), soft_wrap=True)

    def close(self) -> None:
        """Remove the list."""
        self._live.stop()

    def __rich__(self) -> Text:
        lines = [self._line(step) for step in self._steps]
        footer = f"  {len(self._ended)} of {len(self._steps)}; Ctrl-C stops, and the same command continues"
        return Text("\n", no_wrap=True, overflow="ellipsis").join([*lines, Text(footer, "dim")])

    def _line(self, step: str) -> Text:
        result, began = self._ended.get(step), self._begun.get(step)
        state = result.status if result else "running" if began is not None else "waiting"
        spent = result.elapsed_ms / 1000 if result else time.monotonic() - began if began is not None else 0.0
        seconds = f"{spent:5.1f} s" if result or began is not None else " " * 7
        sign = SIGNS[result.status] if result else ">" if began is not None else " "
        summary = visible(redact(result.summary)).splitlines()[0] if result and result.summary else ""
        return Text(f"  {sign} {step:<24} {state:<9} {seconds}  {summary}", _STYLES.get(state, ""))
