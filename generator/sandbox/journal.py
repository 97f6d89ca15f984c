"""The record of every exchange with the sandbox, for tests that ask what a client really did."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "LIST"})
# What is asked with POST and changes nothing: git's fetch, and Vault's answer to what a token may do.
_READING_POSTS = ("/git-upload-pack", "/sys/capabilities-self")


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; status 0 is a connection that was reset. Authorisation is never kept.

    ``server_name`` is what the client asked for by SNI, empty without it. ``began`` and ``ended`` are seconds of the
    monotonic clock.
    """

    system: str
    method: str
    path: str
    query: str
    status: int
    request_body: bytes
    response_body: bytes
    request_content_type: str
    response_content_type: str
    user_agent: str = ""
    server_name: str = ""
    began: float = 0.0
    ended: float = 0.0

    @property
    def is_write(self) -> bool:
        """Whether it changed or tried to change state; some POSTs only read.

        So does one that says nothing: Vault refuses it, after it has checked whether the token may write there.
        """
        nothing = self.system == "vault" and self.request_body == b"{}" and self.status in (400, 403)
        return not (self.method in READ_METHODS or nothing or self.path.endswith(_READING_POSTS))


class Journal:
    """The exchanges in the order in which they ended."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []
        self._lock = threading.Lock()

    def add(self, exchange: Exchange) -> None:
        """Append one exchange."""
        with self._lock:
            self._exchanges.append(exchange)

    def __iter__(self) -> Iterator[Exchange]:
        with self._lock:
            return iter(tuple(self._exchanges))

    def __len__(self) -> int:
        with self._lock:
            return len(self._exchanges)

    def writes(self) -> list[Exchange]:
        """The exchanges that changed or tried to change state."""
        return [exchange for exchange in self if exchange.is_write]

    def find(self, system: str = "", method: str = "", path: str = "") -> list[Exchange]:
        """The exchanges of a system, method and path (a regular expression, searched); empty fits all."""
        return [
            exchange
            for exchange in self
            if (not system or exchange.system == system)
            and (not method or exchange.method == method)
            and re.search(path, exchange.path)
        ]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._exchanges.clear()


def sequence(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """The longest chain of exchanges of which each began after the one before had ended."""
    chains: list[list[Exchange]] = []
    for exchange in sorted(exchanges, key=lambda item: item.began):
        before = [chain for chain in chains if chain[-1].ended <= exchange.began]
        chains.append([*max(before, key=len, default=[]), exchange])
    return max(chains, key=len, default=[])
