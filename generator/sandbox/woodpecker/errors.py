"""Woodpecker's error answers."""

from __future__ import annotations


class WoodpeckerError(Exception):
    """Ends a handler with an error answer: plain text, or nothing."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
