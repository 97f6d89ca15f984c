"""What a server has to know before it runs a command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.base.errors import UsageError

MOST_CHARACTERS, MOST_VALUES, DEEPEST = 200_000, 5_000, 50
"""Bounds on a call's arguments: far more than any service's answers need, and looked at in a moment."""


def check_size(given: Mapping[str, Any]) -> None:
    """Raise ``UsageError`` for arguments that are too large or too deep to be looked at; what they are is not said."""
    level: list[Any] = [given]
    characters = values = depth = 0
    while level:
        values, depth = values + len(level), depth + 1
        characters += sum(len(item) for item in level if isinstance(item, str))
        if characters > MOST_CHARACTERS or values > MOST_VALUES or depth > DEEPEST:
            raise UsageError(
                "mcp.arguments",
                f"the arguments are too large: more than {MOST_CHARACTERS} characters, {MOST_VALUES} values or "
                f"{DEEPEST} levels",
                "a service needs a small part of that: see the tool `schema`",
            )
        maps = [item for item in level if isinstance(item, Mapping)]
        lists = [item for item in level if isinstance(item, list)]
        level = [part for item in maps for pair in item.items() for part in pair]
        level += [part for item in lists for part in item]


def may_be_there(path: str) -> None:
    """Raise ``UsageError`` for a path that the system can't even look up: too long, or with a zero byte."""
    try:
        Path(path).resolve().stat()
    except (FileNotFoundError, NotADirectoryError):
        return  # the command says so, or makes it
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError("usage.path", f"the folder can't be looked up: {reason}", "name another one") from None
