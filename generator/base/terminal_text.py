"""What a terminal would take for commands, as visible text. Pure."""

from __future__ import annotations


def visible(text: str, kept: str = "\n\t\u00a0") -> str:
    """``text`` with every character that can't be printed as Python writes it (``\\x1b``); ``kept`` stay."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in kept else repr(char)[1:-1] for char in text)
