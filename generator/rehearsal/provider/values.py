"""Terraform's values as its protocol has them, in msgpack. Objects and maps are dicts; lists, sets and tuples, lists.

A value whose type only Terraform knows (``dynamic``) is a list of its type, in JSON, and itself.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgpack

from generator.rehearsal.provider import wire

_UNKNOWN_CODE = 0


class _Unknown:
    """What is known after apply only."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


def read(dynamic_value: bytes) -> Any:
    """The value of a ``DynamicValue``; None where it is null."""
    found = wire.fields(dynamic_value)
    if 2 in found:
        return json.loads(found[2][0])
    return msgpack.unpackb(found[1][0], ext_hook=_extension, strict_map_key=False) if 1 in found else None


def written(field: int, value: Any) -> bytes:
    """A value as a ``DynamicValue``."""
    return wire.message(field, wire.message(1, msgpack.packb(value, default=_packed)))


def _extension(code: int, data: bytes) -> _Unknown:  # noqa: ARG001 - what is known of the unknown is left out
    return UNKNOWN


def _packed(value: object) -> msgpack.ExtType:
    assert value is UNKNOWN  # noqa: S101 - nothing else comes out of plans
    return msgpack.ExtType(_UNKNOWN_CODE, b"\x00")


def has_unknown(value: Any) -> bool:
    """Whether any part of a value is unknown."""
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    return any(map(has_unknown, value)) if isinstance(value, list) else value is UNKNOWN
