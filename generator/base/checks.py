"""What a read-only command has found: one line each, for people and scripts alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class CheckState(StrEnum):
    """How one thing was found."""

    OK = "ok"
    WAITING = "waiting"
    """Not yet: it may still become well without intervention."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It could not be seen, and nothing is claimed about it."""
    SKIPPED = "skipped"
    """It does not apply."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. ``id`` is dotted and stable; ``hint`` says what to do where it is not well.

    ``code`` is that of the error behind it, where that has a code of its own. ``facts`` are for programs: what the
    summary says, in parts.
    """

    id: str
    state: CheckState
    summary: str
    hint: str = ""
    code: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def well(self) -> bool:
        """Whether nothing is to be done about it."""
        return self.state in (CheckState.OK, CheckState.SKIPPED)


def all_well(checks: Iterable[Check]) -> bool:
    """Whether every check is well."""
    return all(check.well for check in checks)
