"""Schemas put together as statements are: and, or, not. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Schema = dict[str, Any] | bool
"""A JSON Schema; ``true`` accepts everything, ``false`` nothing."""

ABSENT: Any = object()
"""Stands for an answer that was left out, among an answer's possible values."""


def all_of(parts: Iterable[Schema]) -> Schema:
    """What all parts accept, in as few words as possible."""
    kept: list[dict[str, Any]] = []
    for part in parts:
        if part is False:
            return False
        if isinstance(part, bool) or part in kept:
            continue
        mates = [number for number, other in enumerate(kept) if _apart(part, other)]
        if mates:
            kept[mates[0]] = _merged(kept[mates[0]], part)
        else:
            kept.append(part)
    return True if not kept else kept[0] if len(kept) == 1 else {"allOf": kept}


def any_of(parts: Iterable[Schema]) -> Schema:
    """What at least one part accepts."""
    kept: list[Schema] = []
    for part in parts:
        if part is True:
            return True
        if part is not False and part not in kept:
            kept.append(part)
    return False if not kept else kept[0] if len(kept) == 1 else {"anyOf": kept}


def negated(schema: Schema) -> Schema:
    """What ``schema`` does not accept."""
    if isinstance(schema, bool):
        return not schema
    inner = schema.get("not")
    return inner if isinstance(inner, dict) and len(schema) == 1 else {"not": schema}


def answered(name: str, schema: Schema, *, or_absent: bool) -> Schema:
    """Answers in which ``name`` has a value that ``schema`` accepts; with ``or_absent`` also those without it."""
    if or_absent:
        return True if schema is True else {"properties": {name: schema}}
    return False if schema is False else {"properties": {name: schema}, "required": [name]}


def one_of_values(name: str, values: Iterable[Any]) -> Schema:
    """Answers in which ``name`` has one of these values; ``ABSENT`` among them stands for being left out."""
    listed = list(values)
    present = [value for value in listed if value is not ABSENT]
    return answered(name, {"enum": present}, or_absent=len(present) < len(listed))


def _apart(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether both speak of properties only, and of different ones."""
    plain = all(set(item) <= {"properties", "required"} and "properties" in item for item in (one, other))
    return plain and not set(one["properties"]) & set(other["properties"])


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {"properties": {**one["properties"], **other["properties"]}}
    required = [*one.get("required", []), *other.get("required", [])]
    return {**merged, "required": required} if required else merged
