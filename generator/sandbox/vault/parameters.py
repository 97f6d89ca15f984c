"""Fields of a request as Vault reads them: it converts what it can, and refuses the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from generator.sandbox.vault.errors import VaultError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def whole(asked: Mapping[str, Any], name: str) -> int:
    """A whole number, also as text; 0 for null. Raises ``VaultError`` as every function here."""
    value = asked[name]
    try:
        if isinstance(value, float | list | dict):
            raise TypeError
        return int(value or 0)
    except (TypeError, ValueError):
        raise _unfit(name, "int") from None


def flag(asked: Mapping[str, Any], name: str) -> bool:
    """True or false, also as text or number."""
    value = asked[name]
    if isinstance(value, bool | int | None):
        return bool(value)
    if value not in ("1", "t", "true", "0", "f", "false", ""):
        raise _unfit(name, "bool")
    return value in ("1", "t", "true")


def seconds(asked: Mapping[str, Any], name: str) -> int:
    """A duration as a number of seconds or as in ``1h30m``."""
    value = asked[name]
    if isinstance(value, int):
        return value
    sign = -1 if str(value).startswith("-") else 1
    parts = re.findall(r"(\d+)([smhd])", str(value))
    if not parts or "".join(map("".join, parts)) != str(value).lstrip("-"):
        raise _unfit(name, "duration")
    return sign * sum(int(count) * _SECONDS[unit] for count, unit in parts)


def mapping(asked: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """An object; None for null, which is not the same as a missing field."""
    value = asked[name]
    if value is not None and not isinstance(value, dict):
        raise _unfit(name, "map[string]interface {}")
    return value


def numbers(asked: Mapping[str, Any], name: str) -> list[int]:
    """Whole numbers: a list, one alone, or text with commas."""
    value = asked.get(name)
    value = value.split(",") if isinstance(value, str) else value
    value = value if isinstance(value, list) else [] if value is None else [value]
    return [whole({name: item}, name) for item in value]


def shown_duration(length: int) -> str:
    """Seconds as Go writes them."""
    hours, minutes = length // 3600, length % 3600 // 60
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if length >= 60 else "") + f"{length % 60}s"


def _unfit(name: str, kind: str) -> VaultError:
    return VaultError(400, f"error converting input for field \"{name}\": '' expected type '{kind}'")
