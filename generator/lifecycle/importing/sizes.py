"""Amounts of bytes, CPU and time as Compose writes them. Pure."""

from __future__ import annotations

import re

_BYTES = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*([kmgtKMGT]?)(?:i?[bB])?", re.ASCII)
_UNITS = {"": 1 / 1048576, "k": 1 / 1024, "m": 1, "g": 1024, "t": 1048576}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(us|ms|h|m|s)", re.ASCII)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}


def number(text: str) -> int | None:
    """A whole number of a few digits; None for any other text."""
    return int(text) if len(text) < 10 and text.isascii() and text.isdecimal() else None


def mebibytes(text: str) -> int:
    """An amount of bytes in MiB, rounded up; 0 for what is none."""
    found = _BYTES.fullmatch(text.strip())
    if found is None:
        return 0
    amount = float(found[1]) * _UNITS[found[2].lower()]
    return min(int(amount) + (amount > int(amount)), 9_999_999)


def quantity(text: str) -> str:
    """An amount of bytes as Kubernetes writes it; empty for what is none."""
    amount = mebibytes(text)
    if amount and amount % 1024 == 0:
        return f"{amount // 1024}Gi"
    return f"{amount}Mi" if amount else ""


def cpu(text: str) -> str:
    """Processors as Kubernetes writes them; empty for what is none."""
    try:
        milli = round(float(text) * 1000)
    except (ValueError, OverflowError):
        return ""
    if not 0 < milli < 100_000:
        return ""
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def seconds(text: str) -> int:
    """A time in whole seconds, at least 1; 0 for what is none."""
    total, at = 0.0, 0
    text = text.strip()
    if (plain := number(text)) is not None:
        return plain
    while at < len(text):
        found = _PART.match(text, at)
        if found is None:
            return 0
        total += float(found[1]) * _SECONDS[found[2]]
        at = found.end()
    return max(1, round(min(total, 10**9))) if total else 0
