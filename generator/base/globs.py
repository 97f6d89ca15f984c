"""The patterns by which Forgejo's rules name branches and files (gobwas/glob), as regular expressions. Pure."""

from __future__ import annotations

import re
from functools import cache

SPECIAL = re.compile(r"[\\?*\[\]{}]")
"""A name with one of these characters is a pattern."""


def matches(pattern: str, text: str, separators: str) -> bool:
    """Whether a pattern fits the whole of a text. A pattern that can't be read stands for itself.

    ``*`` and ``?`` stop at ``separators``, ``**`` does not; ``[a-z]``, ``[!a-z]``, ``{this,that}`` and ``\\`` are known.
    """
    compiled = _compiled(pattern, separators)
    return bool(compiled.fullmatch(text)) if compiled else pattern == text


@cache
def _compiled(pattern: str, separators: str) -> re.Pattern[str] | None:
    within, at, depth, parts = f"[^{re.escape(separators)}]", 0, 0, list[str]()
    while at < len(pattern):
        character, at = pattern[at], at + 1
        if character == "*":
            over = pattern[at : at + 1] == "*"
            parts.append(".*" if over else f"{within}*")
            at += over
        elif character == "?":
            parts.append(within)
        elif character == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                return None
            inner, at = pattern[at:end], end + 1
            negated = inner.startswith("!")
            inner = inner.removeprefix("!").replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[")
            parts.append(f"[{'^' if negated else ''}{inner}]")
        elif character == "{":
            parts.append("(?:")
            depth += 1
        elif character == "}" and depth:
            parts.append(")")
            depth -= 1
        elif character == "," and depth:
            parts.append("|")
        elif character == "\\" and at < len(pattern):
            parts.append(re.escape(pattern[at]))
            at += 1
        else:
            parts.append(re.escape(character))
    try:
        return re.compile("".join(parts), re.DOTALL) if not depth else None
    except re.error:
        return None
