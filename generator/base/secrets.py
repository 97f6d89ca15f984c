"""Values that must never be seen: masked wherever they could be printed."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

MASK = "********"

_SHORTEST = 6
"""Shorter values are not hidden inside other text: they would turn ordinary words into masks."""

_known: set[str] = set()

_forms: set[str] = set()
"""The known values as other programs write them: as they are, in addresses, in base64."""


class Secret:
    """A secret value. Its repr, str and format are masked; only ``reveal`` hands it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= _SHORTEST and value not in _known:
            _known.add(value)
            _forms.update(_written(value))

    def reveal(self) -> str:
        """The value itself, for the one call that needs it."""
        return self._value

    def holds(self, credential: str) -> bool:
        """Whether a credential is in it, as it is or as other programs write it; a short one only as the whole."""
        credential = credential.strip()
        if len(credential) < _SHORTEST:
            return bool(credential) and credential == self._value.strip()
        return any(form in self._value for form in _written(credential))

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
    """``text`` without any secret that this process knows: the safety net under everything that is printed.

    The answer of an outside system could quote a token; no code of ours relies on this.
    """
    for value in sorted(_forms, key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def redacted(value: Any, key: Callable[[str], str] = redact) -> Any:
    """JSON's ``value`` with ``redact`` applied to every text in it, and ``key`` to the keys of its objects.

    To be called before the value is written as JSON or HTML, where some characters are written otherwise.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key(name) if isinstance(name, str) else name: redacted(item, key) for name, item in value.items()}
    return [redacted(item, key) for item in value] if isinstance(value, list | tuple) else value


def masked_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Empty values for the variables that hold a secret, to hide them from child processes."""
    return {name: "" for name, value in environ.items() if value in _known}


def passed_on(environ: Mapping[str, str], names: Container[str]) -> dict[str, str]:
    """Those of the variables that ``names`` lists and that hold no secret: for a child that needs no others."""
    return {name: value for name, value in environ.items() if name in names and value not in _known}


@contextmanager
def hidden_from_children(names: Iterable[str]) -> Iterator[None]:
    """Take these variables out of the process's environment, for libraries that start programs.

    For the whole of a command and before its threads begin: the environment is one for all of them.
    """
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def forgotten_afterwards() -> Iterator[None]:
    """Forget at the end what is learned within: for a process that does one thing after the other.

    A value that is a common word would be masked in everything that comes later.
    """
    before, forms = set(_known), set(_forms)
    try:
        yield
    finally:
        _known.intersection_update(before)
        _forms.intersection_update(forms)


def known_secret(text: str) -> bool:
    """Whether ``text`` holds a secret that this process knows."""
    return any(value in text for value in tuple(_known))


def _written(value: str) -> Iterator[str]:
    """A value as it is, as a part of an address, and as it comes out of base64 at each of the three places that it
    can begin at: behind a user's name, for instance."""
    import base64  # here: a command that learns of no secret needs neither
    from urllib.parse import quote

    yield value
    yield quote(value, safe="")
    content = value.encode("utf-8", "surrogateescape")
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + content).decode().rstrip("=")
        first, last = (0, 2, 3)[before], len(whole) - bool((before + len(content)) % 3)
        if last - first >= _SHORTEST:
            yield whole[first:last]
            yield whole[first:last].replace("+", "-").replace("/", "_")
