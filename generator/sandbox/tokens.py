"""The credentials that one sandbox accepts."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields


def _hexadecimal() -> str:
    return secrets.token_hex(20)


@dataclass(frozen=True)
class Tokens:
    """Random for each start; a test may choose its own to look for them later."""

    forgejo: str = field(default_factory=_hexadecimal, repr=False)
    forgejo_git: str = field(default_factory=_hexadecimal, repr=False)
    github: str = field(default_factory=lambda: f"ghp_{secrets.token_hex(18)}", repr=False)
    woodpecker: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    slack: str = field(
        default_factory=lambda: f"https://hooks.slack.invalid/services/{secrets.token_hex(12)}", repr=False
    )
    registry: str = field(default_factory=lambda: f"ghp_{secrets.token_hex(18)}", repr=False)
    vault: str = field(default_factory=lambda: f"hvs.{secrets.token_urlsafe(24)}", repr=False)

    @classmethod
    def of(cls, values: Mapping[str, str] | None) -> Tokens:
        """Tokens with some values chosen. Raises ValueError for a name that is not one of the fields."""
        given = dict(values or {})
        unknown = set(given) - {entry.name for entry in fields(cls)}
        if unknown:
            raise ValueError(f"unknown sandbox tokens: {', '.join(sorted(unknown))}")
        return cls(**given)
