"""Values that must never be seen: masked wherever they could be printed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from generator.base.secret_forms import SHORTEST, forms, is_in, masked

MASK = "********"

_known: set[str] = set()

_forms: dict[str, str] = {}
"""The known values as other programs write them (``secret_forms``)."""

_unmistakable: dict[str, str] = {}
"""Those of the forms that belong to no ordinary word."""


class _Clean:
    """Texts that hold none of the known values: the same ones are printed again and again."""

    def __init__(self) -> None:
        self.texts: set[str] = set()

    def forget(self) -> None:
        """Another value is known, or one is not any more. A thread that still looks adds to what is thrown away."""
        self.texts = set()

    def keep(self, texts: set[str], text: str) -> None:
        if len(texts) < _MOST_CLEAN and len(text) <= _LONGEST_CLEAN:
            texts.add(text)


_MOST_CLEAN, _LONGEST_CLEAN = 4096, 1024
_clean = _Clean()

_WORD = re.compile(r"[A-Za-z]+(?:[-_. ][A-Za-z]+)*")
"""What ordinary text may hold by chance, unless it is long."""

_LONG = 16

_PLACE = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?[a-z0-9][a-z0-9.-]{0,200}(?::[0-9]{1,5})?/?")
"""A host, alone or in an address that says nothing else."""

_NAMES_PLACE = re.compile(
    r"(?:^|[^a-z])(?:host|hostname|url|uri|domain|server|endpoint|issuer|address)$", re.IGNORECASE
)
"""A property for it: people keep such settings in Vault beside secrets."""

# A scheme is begun nowhere but at its start: any other place would be tried for each of its letters.
_IN_ADDRESS = re.compile(r"(?<![a-z0-9+.-])[a-z0-9+.-]++://([^/?#\s@]*)@", re.IGNORECASE)


class Secret:
    """A secret value. Its repr, str and format are masked; only ``reveal`` hands it out."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= SHORTEST and value not in _known:
            written = forms(value)
            _forms.update(written)
            if not _is_word(value):
                _unmistakable.update(written)
            _known.add(value)
            _clean.forget()

    def reveal(self) -> str:
        """The value itself, for the one call that needs it."""
        return self._value

    def holds(self, credential: str) -> bool:
        """Whether a credential is in it, as it is or as other programs write it; a short one only as the whole."""
        credential = credential.strip()
        if len(credential) < SHORTEST:
            return bool(credential) and credential == self._value.strip()
        return is_in(self._value, forms(credential))

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
    clean = _clean.texts
    if text in clean:
        return text
    shown = masked(text, _forms.copy(), MASK)
    if shown == text:
        _clean.keep(clean, text)
    return shown


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
    before, written = set(_known), [(found, set(found)) for found in (_forms, _unmistakable)]
    try:
        yield
    finally:
        _known.intersection_update(before)
        for found, earlier in written:
            for form in found.keys() - earlier:
                del found[form]
        _clean.forget()


def known_secret(text: str, *, words: bool = True) -> bool:
    """Whether ``text`` holds a secret that this process knows, as it is or as other programs write it.

    Without ``words``, secrets that are short ordinary words don't count: what Vault has for a service may be a user's
    name.
    """
    clean = _clean.texts
    if text in clean:
        return False
    found = is_in(text, (_forms if words else _unmistakable).copy())
    if words and not found:
        _clean.keep(clean, text)
    return found


def learn(value: str, name: str = "") -> None:
    """Make a value known that may be secret; an ordinary word is not, nor a host where ``name`` promises one."""
    is_place = _NAMES_PLACE.search(name) and _PLACE.fullmatch(value)
    if len(value) >= SHORTEST and not _is_word(value) and not is_place:
        Secret(value)


def learn_addresses(text: str) -> None:
    """Make the passwords in the addresses of a text known, and tokens in place of a user."""
    from urllib.parse import unquote

    for found in _IN_ADDRESS.finditer(text):
        user, _, password = found[1].partition(":")
        for value in {password or user, unquote(password or user)}:
            learn(value)


def _is_word(value: str) -> bool:
    return len(value) < _LONG and _WORD.fullmatch(value) is not None
