"""Messages of Terraform's plugin protocol 6, in protocol buffers' wire format.

Few messages of few fields are read and written, so generated code would be more than is needed. The numbers are the
protocol's field numbers. Zero, false and empty are left out, as the format has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
_FLAGS = {"required": 4, "optional": 5, "computed": 6, "sensitive": 7, "deprecated": 9, "write_only": 11}
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

Path = tuple[str | int, ...]
"""From a resource to a part of it: names, and numbers of elements."""


def provider_schema(recorded: Mapping[str, Any]) -> bytes:
    """The answer to ``GetProviderSchema``."""
    once_is_enough = number(2, 1)  # Terraform may keep the answer for all of its instances of the provider
    return b"".join(
        [
            message(1, _schema(recorded["provider"])),
            *(_entry(2, name, schema) for name, schema in recorded["resource_schemas"].items()),
            *(_entry(3, name, schema) for name, schema in recorded["data_source_schemas"].items()),
            message(6, once_is_enough),
        ]
    )


def fields(data: bytes) -> dict[int, list[Any]]:
    """The fields of a message by number: integers, and bytes of texts and messages. Raises ``ValueError``."""
    found: dict[int, list[Any]] = {}
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        value: int | bytes
        if key & 7 == _VARINT:
            value, at = _read_varint(data, at)
        else:
            size, at = _read_varint(data, at) if key & 7 == _LENGTH else ({_FIXED64: 8, _FIXED32: 4}[key & 7], at)
            value, at = data[at : at + size], at + size
        found.setdefault(key >> 3, []).append(value)
    return found


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("the message ends in the middle of a field")
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def paths(field: int, found: Iterable[Path]) -> bytes:
    """Places in a resource, each an ``AttributePath``."""
    return b"".join(message(field, b"".join(message(1, _step(step)) for step in path)) for path in found)


def _step(step: str | int) -> bytes:
    return text(1, step) if isinstance(step, str) else _varint(3 << 3) + _varint(step)  # element 0 is written too


def error(field: int, summary: str, detail: str) -> bytes:
    """A diagnostic that ends Terraform's command."""
    return message(field, number(1, 1) + text(2, summary) + text(3, detail))


def _entry(field: int, name: str, schema: Mapping[str, Any]) -> bytes:
    return message(field, text(1, name) + message(2, _schema(schema)))


def _schema(schema: Mapping[str, Any]) -> bytes:
    return number(1, schema.get("version", 0)) + message(2, _block(schema["block"]))


def _block(block: Mapping[str, Any]) -> bytes:
    attributes = (message(2, _attribute(name, value)) for name, value in block.get("attributes", {}).items())
    blocks = (message(3, _nested_block(name, value)) for name, value in block.get("block_types", {}).items())
    return b"".join([*attributes, *blocks, number(6, block.get("deprecated", False))])


def _attribute(name: str, attribute: Mapping[str, Any]) -> bytes:
    if "nested_type" in attribute:
        kind = message(10, _object(attribute["nested_type"]))
    else:
        kind = text(2, json.dumps(attribute["type"]))
    flags = (number(field, attribute.get(flag, False)) for flag, field in _FLAGS.items())
    return b"".join([text(1, name), kind, *flags])


def _object(nested: Mapping[str, Any]) -> bytes:
    attributes = (message(1, _attribute(name, value)) for name, value in nested["attributes"].items())
    return b"".join([*attributes, number(3, NESTING[nested["nesting_mode"]])])


def _nested_block(name: str, nested: Mapping[str, Any]) -> bytes:
    return b"".join(
        [
            text(1, name),
            message(2, _block(nested["block"])),
            number(3, NESTING[nested["nesting_mode"]]),
            number(4, nested.get("min_items", 0)),
            number(5, nested.get("max_items", 0)),
        ]
    )


def number(field: int, value: int) -> bytes:
    """An integer or a flag; nothing for zero."""
    return _varint(field << 3) + _varint(value) if value else b""


def text(field: int, value: str) -> bytes:
    """A text, written even where it is empty."""
    return message(field, value.encode())


def message(field: int, content: bytes) -> bytes:
    """A message in a message, or bytes."""
    return _varint(field << 3 | _LENGTH) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
