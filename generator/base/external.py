"""The one reader of text that people, other programs and servers wrote: YAML, JSON and whole files, all within bounds.

What is read holds nothing but text, finite numbers, true, false, null, lists and maps (YAML also dates), and is never
nested deeper than ``DEEPEST``: whatever copies, checks, renders or compares it later needs no bounds of its own.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

DEEPEST = 64
"""Lists and maps inside each other; an alias counts as what it stands for."""
MOST_VALUES = 100_000
"""Values of one YAML text."""
MOST_ALIASED = 10_000
"""Values that a YAML text with aliases may come to, with all of them written out."""
MOST_JSON_VALUES = 1_000_000
LARGEST_INTEGER = 2**64
MOST_YAML_BYTES = 1 << 20
MOST_JSON_BYTES = 16 << 20


class ExternalTextError(ValueError):
    """A text is not what it should be, or goes beyond a bound; ``line`` (from 1) says where, 0 where nobody knows.

    Never quotes the text, which may hold a secret.
    """

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(f"{problem} (line {line})" if line else problem)
        self.line = line


def read_yaml(text: str | bytes) -> Any:
    """What a YAML text says; bytes are UTF-8, with or without a byte order mark. Raises ``ExternalTextError``."""
    content = _as_text(text, MOST_YAML_BYTES)
    try:
        _survey(content)
        value = yaml.load(content, Loader=_LOADER)  # noqa: S506 - either is a safe one
    except ExternalTextError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ExternalTextError(_reason(error), mark.line + 1 if mark else 0) from None
    except Exception as error:  # noqa: BLE001 - its constructors raise whatever comes up: KeyError for `!!bool maybe`
        raise ExternalTextError(f"a value is not what it looks like ({type(error).__name__})") from None
    _check(value, MOST_VALUES)
    return value


def read_json(text: str | bytes, most_values: int = MOST_JSON_VALUES) -> Any:
    """What a JSON text says; bytes are UTF-8, with or without a byte order mark. Raises ``ExternalTextError``."""
    content = _as_text(text, MOST_JSON_BYTES)
    try:
        value = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_constant)
    except ExternalTextError:
        raise
    except json.JSONDecodeError as error:
        raise ExternalTextError(error.msg, error.lineno) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # Python's own bound on the digits of a number
        raise _too_long() from None
    _check(value, most_values)
    return value


def read_bounded(path: Path, most: int = MOST_YAML_BYTES) -> bytes:
    """The content of a regular file of at most ``most`` bytes.

    Raises ``OSError``, whose ``strerror`` says why: also for a device, a pipe or a folder, none of which is waited
    for, for a file that the kernel makes up, and for one that is larger.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"Larger than {most // 1024} KiB", str(path))
        content = stream.read(most + 1)
        if content and not found.st_size:  # /proc: what it holds may be a process's secrets, or without end
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        return _fitting(content, path, most)


def read_handed(path: Path, most: int = MOST_YAML_BYTES) -> bytes:
    """The same; a pipe that this process was started with, as a shell names it (``<(command)``), is read to its end.

    For what a person names on a command line only: it waits for whoever writes. Raises ``OSError``.
    """
    found = _HANDED.fullmatch(str(path))
    handle = int(found[1] or 0) if found else -1
    if found is None or not _is_pipe(os.fstat(handle).st_mode):
        return read_bounded(path, most)
    with os.fdopen(os.dup(handle), "rb") as stream:
        return _fitting(stream.read(most + 1), path, most)


_HANDED = re.compile(r"/dev/stdin|/(?:dev|proc/self)/fd/(\d{1,6})", re.ASCII)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "<<"


def _is_pipe(mode: int) -> bool:
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)  # as some shells and runtimes make their pipes


def _fitting(content: bytes, path: Path, most: int) -> bytes:
    if len(content) > most:
        raise OSError(errno.EFBIG, f"Larger than {most // 1024} KiB", str(path))
    return content


def _as_text(text: str | bytes, most: int) -> str:
    if len(text) > most:
        raise ExternalTextError(f"it is larger than {most // 1024} KiB")
    try:
        content = text.encode() if isinstance(text, str) else text  # half a character: it came from bytes
        return content.decode("utf-8-sig")
    except UnicodeError:
        raise ExternalTextError("it is not UTF-8 text") from None


def _reason(error: yaml.YAMLError) -> str:
    """PyYAML's reason without what it quotes: the text may hold a secret."""
    reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it can't be parsed")
    if reason.startswith("but "):
        reason = f"{getattr(error, 'context', None) or ''} {reason}"
    return " ".join(" ".join(reason.split("'")[::2]).split())


def _survey(text: str) -> None:
    """Judge a YAML text by its events, before anything is built: the parser is not recursive, the composer is.

    Raises ``ExternalTextError``.
    """
    survey = _Survey()
    for event in yaml.parse(text, Loader=_LOADER):
        handle = _HANDLERS.get(type(event))
        if handle is not None:
            try:
                handle(survey, event)
            except ExternalTextError as error:
                mark = event.start_mark
                raise ExternalTextError(str(error), mark.line + 1 if mark else 0) from None


@dataclass
class _Open:
    """A list or map that has not ended yet: its size and height so far; ``keys`` is None for a list."""

    anchor: str | None
    keys: set[str] | None
    size: int = 1
    height: int = 0
    at_key: bool = True


@dataclass
class _Survey:
    """How large and how deep a YAML text is so far, each alias counted as what it stands for."""

    open: list[_Open] = field(default_factory=list)
    known: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Size and height of what has an anchor."""
    aliased: bool = False
    written: int = 0

    def begin(self, event: yaml.CollectionStartEvent) -> None:
        if len(self.open) >= DEEPEST:
            raise _too_deep()
        self._place(None)
        if event.anchor:
            self.known.pop(event.anchor, None)
        self.open.append(_Open(event.anchor, set() if isinstance(event, yaml.MappingStartEvent) else None))

    def end(self, _: yaml.CollectionEndEvent) -> None:
        closed = self.open.pop()
        self._take(closed.anchor, closed.size, closed.height + 1)

    def scalar(self, event: yaml.ScalarEvent) -> None:
        self._place(event.value)
        self._take(event.anchor, 1, 0)

    def alias(self, event: yaml.AliasEvent) -> None:
        self.aliased = True
        self._place(None)
        if event.anchor not in self.known:
            holds_itself = any(node.anchor == event.anchor for node in self.open)
            raise ExternalTextError("a value that holds itself" if holds_itself else "an alias without an anchor")
        self._take(None, *self.known[event.anchor])

    def _place(self, text: str | None) -> None:
        """Every other value of a map is a key, ``text`` where it is a scalar."""
        self.written += 1
        if self.written > MOST_VALUES:
            raise _too_many(MOST_VALUES)
        inside = self.open[-1] if self.open else None
        if inside is None or inside.keys is None:
            return
        if inside.at_key and text is not None and text != _MERGE:
            if text in inside.keys:
                raise _twice()
            inside.keys.add(text)
        inside.at_key = not inside.at_key

    def _take(self, anchor: str | None, size: int, height: int) -> None:
        if anchor:
            self.known[anchor] = size, height
        if height + len(self.open) > DEEPEST:
            raise _too_deep()
        if self.open:
            inside = self.open[-1]
            inside.size += size
            inside.height = max(inside.height, height)
            size = inside.size
        if self.aliased and size > MOST_ALIASED:
            raise ExternalTextError(
                f"its aliases come to more than {MOST_ALIASED} values; write them out, or leave them out"
            )


_HANDLERS: Mapping[type, Callable[[_Survey, Any], None]] = {
    yaml.SequenceStartEvent: _Survey.begin,
    yaml.MappingStartEvent: _Survey.begin,
    yaml.SequenceEndEvent: _Survey.end,
    yaml.MappingEndEvent: _Survey.end,
    yaml.ScalarEvent: _Survey.scalar,
    yaml.AliasEvent: _Survey.alias,
}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _twice()
    return found


def _no_constant(_: str) -> Any:
    raise ExternalTextError("a number is not finite")


def _check(value: Any, most: int) -> None:
    """Raise ``ExternalTextError`` for what is no plain data, and for what is too deep, too much or too long."""
    level, count, depth = [value], 0, 0
    while level:
        below: list[Any] = []
        count += len(level)
        if count > most:
            raise _too_many(most)
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, dict | list) and depth == DEEPEST:
                raise _too_deep()
            elif isinstance(item, dict):
                _check_keys(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, int | float):
                _check_number(item)
            elif item is not None and not isinstance(item, date):
                raise ExternalTextError(f"a value is a {type(item).__name__}; a text like it is written in quotes")
        level, depth = below, depth + 1


def _check_keys(keys: Iterable[Any]) -> None:
    for key in keys:
        if isinstance(key, str):
            _check_text(key)
        elif isinstance(key, int | float):
            _check_number(key)
        elif key is not None and not isinstance(key, date):
            raise ExternalTextError(f"a key is a {type(key).__name__}; a text like it is written in quotes")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ExternalTextError("a text holds a null character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ExternalTextError("a text holds half of a character") from None


def _check_number(number: float) -> None:
    if isinstance(number, int):
        if abs(number) >= LARGEST_INTEGER:
            raise _too_long()
    elif not math.isfinite(number):
        raise ExternalTextError("a number is not finite")


def _twice() -> ExternalTextError:
    return ExternalTextError("a key is given twice in one map")


def _too_deep() -> ExternalTextError:
    return ExternalTextError(f"it is nested deeper than {DEEPEST} levels")


def _too_many(most: int) -> ExternalTextError:
    return ExternalTextError(f"it holds more than {most} values")


def _too_long() -> ExternalTextError:
    return ExternalTextError("a number has more digits than any that is meant; a text like it is written in quotes")
