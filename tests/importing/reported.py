"""What does not hold yet, by application: each with the reason why."""

from __future__ import annotations

KNOWN: dict[str, list[str]] = {}
