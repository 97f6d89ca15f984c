"""Checks the types of parsed JSON: an unexpected type raises, and is never taken for "nothing exists".

Every function takes a value from a system's answer, and raises ``TypeError`` if it is of another type; a missing field
is Python's own ``KeyError``. ``Api`` reports both as an answer that the system does not give.
"""

from __future__ import annotations

from typing import Any


def listed(data: Any, *, null: bool = False) -> list[Any]:
    """A list. ``null``: the system answers null for an empty one."""
    if null and data is None:
        return []
    if not isinstance(data, list):
        raise TypeError(f"a list, not {type(data).__name__}")
    return data


def fields(data: Any) -> dict[str, Any]:
    """An object."""
    if not isinstance(data, dict):
        raise TypeError(f"an object, not {type(data).__name__}")
    return data


def text(data: Any) -> str:
    """Text that is not empty: an empty name or commit id is invalid."""
    if not isinstance(data, str) or not data:
        raise TypeError(f"text, not {type(data).__name__}")
    return data


def number(data: Any) -> int:
    """A whole number."""
    if isinstance(data, bool) or not isinstance(data, int):
        raise TypeError(f"a number, not {type(data).__name__}")
    return data


def flag(data: Any) -> bool:
    """True or false."""
    if not isinstance(data, bool):
        raise TypeError(f"true or false, not {type(data).__name__}")
    return data
