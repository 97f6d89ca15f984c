"""Values that must never be seen: masked wherever they could be printed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

MASK = "********"

_SHORTEST = 6
"""Shorter values are not hidden inside other text: they would turn ordinary words into masks."""

_known: set[str] = set()


class Secret:
    """A secret value. Its repr, str and format are masked; only ``reveal`` hands it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= _SHORTEST:
            _known.add(value)

    def reveal(self) -> str:
        """The value itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is never serialised")


def redact(text: str) -> str:
    """``text`` without any secret that this process knows: the last net under everything that is printed.

    What a foreign system says could quote a token back; no code of ours relies on this.
    """
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def masked_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Empty values for the variables that hold a secret, to hide them from child processes."""
    return {name: "" for name, value in environ.items() if value in _known}


@contextmanager
def hidden_from_children() -> Iterator[None]:
    """Take the variables that hold a secret out of the environment, for libraries that start programs."""
    hidden = {name: value for name, value in os.environ.items() if value in _known}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def known_secret(text: str) -> bool:
    """Whether ``text`` holds a secret that this process knows."""
    return any(value in text for value in _known)
