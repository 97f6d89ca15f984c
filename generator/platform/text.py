"""A profile as a commented file: each key with its meaning, those that stay as built in commented out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from generator.platform.rules import REPLACED

_WIDTH = 100

_HEADER = """\
# The profile of the platform "{name}", made by `newservice init`: where its systems are and what it calls things.
# What differs from the built-in profile is said; the rest is here with a # before its key, as it is built in. To say
# it otherwise, take away the # at the start of its lines, and of the map that it is in. No secret belongs here.
"""


def profile_text(
    builtin: Mapping[str, Any], overrides: Mapping[str, Any], meaning: Callable[[str], str], name: str
) -> str:
    """The file for a profile that says ``overrides``; ``meaning`` has a line for a dotted key, or nothing.

    It reads as ``overrides``, and without the # in front of keys as all of the built-in profile with them.
    """
    lines = [_HEADER.format(name=name).rstrip("\n")]
    for key in builtin:
        lines += ["", *_entries({key: builtin[key]}, overrides, "", 0, meaning)]
    return "\n".join(lines) + "\n"


def _entries(
    builtin: Mapping[str, Any],
    overrides: Mapping[str, Any] | None,
    prefix: str,
    depth: int,
    meaning: Callable[[str], str],
) -> Iterator[str]:
    """The lines of a map; ``overrides`` is None where it is commented out as a whole."""
    for key, standard in builtin.items():
        said = overrides is not None and key in overrides
        value = overrides[key] if overrides is not None and said else standard
        sign, indent, path = "" if said else "#", "  " * depth, f"{prefix}{key}"
        if comment := meaning(path):
            yield f"{'#' if overrides is None else ''}{indent}# {comment}"
        if isinstance(value, dict) and isinstance(standard, dict) and key not in REPLACED:
            yield f"{sign}{indent}{key}:"
            yield from _entries(standard, value if said else None, f"{path}.", depth + 1, meaning)
        else:
            yield from (f"{sign}{indent}{line}" for line in _dumped(key, value))


def _dumped(key: str, value: Any) -> list[str]:
    style = None if isinstance(value, dict | list) else False  # innermost lists and maps on one line
    text = yaml.safe_dump({key: value}, default_flow_style=style, sort_keys=False, width=_WIDTH, allow_unicode=True)
    return text.rstrip("\n").split("\n")
