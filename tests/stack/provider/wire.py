"""Recorded schemas as messages of Terraform's plugin protocol 6, in protocol buffers' wire format.

Only answers are written and no request is read, so a library and generated code would be more than is needed. The
numbers are the protocol's field numbers. Zero, false and empty are left out, as the format has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
_FLAGS = {"required": 4, "optional": 5, "computed": 6, "sensitive": 7, "deprecated": 9, "write_only": 11}


def provider_schema(recorded: Mapping[str, Any]) -> bytes:
    """The answer to ``GetProviderSchema``."""
    once_is_enough = _number(2, 1)  # Terraform may keep the answer for all of its instances of the provider
    return b"".join(
        [
            _message(1, _schema(recorded["provider"])),
            *(_entry(2, name, schema) for name, schema in recorded["resource_schemas"].items()),
            *(_entry(3, name, schema) for name, schema in recorded["data_source_schemas"].items()),
            _message(6, once_is_enough),
        ]
    )


def _entry(field: int, name: str, schema: Mapping[str, Any]) -> bytes:
    return _message(field, _text(1, name) + _message(2, _schema(schema)))


def _schema(schema: Mapping[str, Any]) -> bytes:
    return _number(1, schema.get("version", 0)) + _message(2, _block(schema["block"]))


def _block(block: Mapping[str, Any]) -> bytes:
    attributes = (_message(2, _attribute(name, value)) for name, value in block.get("attributes", {}).items())
    blocks = (_message(3, _nested_block(name, value)) for name, value in block.get("block_types", {}).items())
    return b"".join([*attributes, *blocks, _number(6, block.get("deprecated", False))])


def _attribute(name: str, attribute: Mapping[str, Any]) -> bytes:
    if "nested_type" in attribute:
        kind = _message(10, _object(attribute["nested_type"]))
    else:
        kind = _text(2, json.dumps(attribute["type"]))
    flags = (_number(field, attribute.get(flag, False)) for flag, field in _FLAGS.items())
    return b"".join([_text(1, name), kind, *flags])


def _object(nested: Mapping[str, Any]) -> bytes:
    attributes = (_message(1, _attribute(name, value)) for name, value in nested["attributes"].items())
    return b"".join([*attributes, _number(3, NESTING[nested["nesting_mode"]])])


def _nested_block(name: str, nested: Mapping[str, Any]) -> bytes:
    return b"".join(
        [
            _text(1, name),
            _message(2, _block(nested["block"])),
            _number(3, NESTING[nested["nesting_mode"]]),
            _number(4, nested.get("min_items", 0)),
            _number(5, nested.get("max_items", 0)),
        ]
    )


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode())


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
