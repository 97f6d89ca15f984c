"""The patterns by which Forgejo's rules name branches and files (gobwas/glob), as regular expressions. Pure."""

from __future__ import annotations

import re
from functools import cache

SPECIAL = re.compile(r"[\\?*\[\]{}]")
"""A name with one of these characters is a pattern."""

_PART = re.compile(r"\*\*|\\.|\[!?[^\]]+\]|.", re.DOTALL)


def matches(pattern: str, text: str, separators: str) -> bool:
    """Whether a pattern fits the whole of a text. A pattern that can't be read stands for itself.

    ``*`` and ``?`` stop at ``separators``, ``**`` does not. Sets (``[a-z]``, ``[!a-z]``), alternatives
    (``{this,that}``) and ``\\`` before a character are known.
    """
    compiled = _compiled(pattern, separators)
    return bool(compiled.fullmatch(text)) if compiled else pattern == text


@cache
def _compiled(pattern: str, separators: str) -> re.Pattern[str] | None:
    within = f"[^{re.escape(separators)}]"
    meaning = {"**": ".*", "*": f"{within}*", "?": within, "{": "(?:", "}": ")"}
    depth, parts = 0, list[str]()
    for part in _PART.findall(pattern):
        depth += (part == "{") - (part == "}")
        if part in meaning:
            parts.append(meaning[part])
        elif part == "," and depth:
            parts.append("|")
        elif part.startswith("[") and len(part) > 1:
            inner = re.sub(r"([\\^\[])", r"\\\1", part[1:-1])
            parts.append(f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]")
        else:
            parts.append(re.escape(part[1:] if len(part) > 1 else part))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:
        return None
