"""The requests of a whole onboarding, told apart by what they ask for and how often that was asked before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from generator.sandbox import Exchange
from generator.sandbox.journal import READ_METHODS

# Numbers and commits differ from run to run.
_CHANGING = re.compile(r"[0-9a-f]{40}|(?<=[/=])\d+(?=$|[/&])")
_ANYTHING = "[0-9a-f]+"


@dataclass(frozen=True, order=True)
class Asked:
    """The ``nth`` request of its kind in a run; what changes from run to run is ``#``."""

    system: str
    method: str
    path: str
    query: str
    nth: int

    @property
    def is_git(self) -> bool:
        return ".git/" in self.path

    @property
    def is_read(self) -> bool:
        return self.method in READ_METHODS or self.path.endswith("/git-upload-pack")

    @property
    def by_forgejo(self) -> bool:
        """Whether it is the push mirror's, which is Forgejo's own client."""
        return self.system == "github" and self.is_git

    @property
    def path_pattern(self) -> str:
        return _exactly(self.path)

    @property
    def query_pattern(self) -> str:
        return _exactly(self.query)

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.system} {self.method} {self.path}{query} ({self.nth})"


def asked(exchanges: Iterable[Exchange]) -> list[Asked]:
    """The requests of a run, in a fixed order: the run itself may send them in another one each time."""
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for exchange in exchanges:
        path, query = (_CHANGING.sub("#", text) for text in (exchange.path, exchange.query))
        counted[exchange.system, exchange.method, path, query] += 1
    return sorted(Asked(*key, nth) for key, count in counted.items() for nth in range(1, count + 1))


def _exactly(text: str) -> str:
    return f"^{_ANYTHING.join(re.escape(part) for part in text.split('#'))}$"
