"""Numbers that the sandbox's servers give to what is made there, each once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Numbers:
    """An iterator over rising numbers; ``upcoming`` is the one that comes next. Callers hold their system's lock."""

    upcoming: int
    step: int = 1

    def __iter__(self) -> Numbers:
        return self

    def __next__(self) -> int:
        number = self.upcoming
        self.upcoming += self.step
        return number
