"""The platform profile's keys with their built-in values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docs.builder.parts import Rows, kept, table
from generator.template.template import Template

PROFILE = Template.installed().platform
OPEN_MAPS = {"tiers": "tier", "actions_secrets": "secret", "catalog": "tier", "connection.credentials": "credential"}
"""Maps whose keys are a platform's own words, and what stands for such a word."""
_LONG = 12


def profile_keys(data: dict[str, Any] = PROFILE, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys with their built-in values; a platform's own words stand as ``<word>``, with all values by word."""
    for key, value in data.items():
        path = prefix + key
        if path in OPEN_MAPS:
            yield from _open(f"{path}.<{OPEN_MAPS[path]}>", value)
        elif isinstance(value, dict):
            yield from profile_keys(value, f"{path}.")
        else:
            yield path, value


def _open(word: str, entries: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    maps = {name: entry for name, entry in entries.items() if isinstance(entry, dict)}
    if not maps:
        yield word, entries
    for inner in dict.fromkeys(name for entry in maps.values() for name in entry):
        values = {name: entry[inner] for name, entry in maps.items() if inner in entry}
        if all(isinstance(value, dict) for value in values.values()):
            yield from _open(f"{word}.{inner}", values)
        else:
            yield f"{word}.{inner}", values


def profile_part(argument: str, old: Rows) -> str:
    """The keys of one part of the profile: ``top``, ``facts``, or what is under one key; meanings are kept."""
    cells = [(f"`{key}`", _value(key, value)) for key, value in profile_keys() if _place(key) == argument]
    lines = [(key, value, kept(old, key, "meaning")) for key, value in cells]
    return table(["key", "built-in value", "meaning"], lines)


def credentials_part(_argument: str, _old: Rows) -> str:
    """Where each credential is looked for."""
    lines = []
    for name, entry in PROFILE["connection"]["credentials"].items():
        other = f"`{entry['or']}`" if "or" in entry else ""
        lines.append((f"`{name}`", f"`{entry['environment']}`", f"`{entry['vault']}`", other))
    return table(["credential", "variable", "Vault", "or"], lines)


def _place(key: str) -> str:
    if "." not in key and key in ("schema", "name"):
        return "top"
    first = key.split(".")[0]
    return first if first in ("connection", "registrations", "checks") else "facts"


def _value(key: str, value: Any) -> str:
    if key.startswith("connection.credentials."):
        return "see below"
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{word}: `{item}`" for word, item in value.items())
    if isinstance(value, list):
        if any(isinstance(item, dict) for item in value):
            return f"{len(value)} entries"
        return f"{len(value)} names" if len(value) > _LONG else ", ".join(f"`{item}`" for item in value)
    return f"`{value}`"
