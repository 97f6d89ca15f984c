"""Values in the place of those that only a real provider knows: the same whenever Terraform asks. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from generator.rehearsal.provider.planning import Schema
from generator.rehearsal.provider.values import UNKNOWN, has_unknown

_EMPTY: Mapping[str, Any] = {"bool": False, "number": 0}
_SECRET = ("data", "binary_data")
"""Maps of resources that the real world fills in: what a Secret has."""
_SEVERAL: tuple[Any, ...] = (b'["tuple",[]]', [])
_ONE: tuple[Any, ...] = (b'["object",{}]', {})
"""Values whose type only Terraform knows, each with its type."""


@dataclass(frozen=True)
class Requested:
    """What the stack reads of maps that only the real world knows, such as a secret's: keys with their stand-ins."""

    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StandIns:
    """Fills in what is unknown."""

    requested: Requested = field(default_factory=Requested)

    def resource(self, block: Schema, state: Any) -> Any:
        """A resource's state without unknown values."""
        if not has_unknown(state):
            return state
        name = identity(state)
        known = {**state, "id": _numbered(state, name)} if state.get("id") is UNKNOWN else state
        return self._object(block, known, name)

    def data(self, block: Schema, config: Any) -> Any:
        """What a data source reads: what was asked, and stand-ins for everything that it computes."""
        asked = dict(config)
        for name, attribute in block.get("attributes", {}).items():
            if asked.get(name) is None and attribute.get("computed"):
                asked[name] = UNKNOWN
        name = identity(config)
        if asked.get("id") is UNKNOWN:
            asked["id"] = _numbered(config, name)
        return self._object(block, asked, name, data=True)

    def _object(self, block: Schema, state: Any, name: str, data: bool = False) -> Any:
        if not isinstance(state, dict):
            return state
        known = dict(state)
        for key, attribute in block.get("attributes", {}).items():
            if "nested_type" in attribute:
                known[key] = self._nested(attribute["nested_type"], known.get(key), name, data)
            else:
                known[key] = self._value(attribute["type"], known.get(key), key, name, data)
        for key, nested in block.get("block_types", {}).items():
            schema = {**nested["block"], "nesting_mode": nested["nesting_mode"]}
            known[key] = self._nested(schema, known.get(key), name, data)
        return known

    def _nested(self, schema: Schema, value: Any, name: str, data: bool) -> Any:
        if value is UNKNOWN:
            return {"single": None, "group": {}, "map": {}}.get(schema["nesting_mode"], [])
        if isinstance(value, list):
            return [self._object(schema, item, name, data) for item in value]
        if isinstance(value, dict) and schema["nesting_mode"] == "map":
            return {key: self._object(schema, item, name, data) for key, item in value.items()}
        return self._object(schema, value, name, data)

    def _value(self, kind: Any, value: Any, key: str, name: str, data: bool) -> Any:
        if value is not UNKNOWN:
            return self._inside(kind, value, key, name, data) if has_unknown(value) else value
        if isinstance(kind, list):
            if kind[0] == "object":
                return {part: self._value(inner, UNKNOWN, part, name, data) for part, inner in kind[1].items()}
            if kind[0] == "map":
                return dict(self.requested.texts) if kind[1] == "string" and (data or key in _SECRET) else {}
            several = data and isinstance(kind[1], list) and kind[1][0] == "object"
            return [self._value(kind[1], UNKNOWN, key, name, data)] if several else []
        if kind == "dynamic":
            return list(_SEVERAL if key.endswith("s") else _ONE)
        if kind == "string" and data and key.endswith("_json"):
            return json.dumps(dict(self.requested.texts), sort_keys=True)
        return _EMPTY.get(kind, name if key == "id" else f"{key}-of-{name}")

    def _inside(self, kind: Any, value: Any, key: str, name: str, data: bool) -> Any:
        """A value that is partly unknown."""
        if isinstance(value, dict):
            inner = kind[1] if isinstance(kind, list) else "string"
            parts = inner if isinstance(inner, dict) else dict.fromkeys(value, inner)
            return {part: self._value(parts[part], item, part, name, data) for part, item in value.items()}
        inner = kind[1] if isinstance(kind, list) else "string"
        kinds = inner if isinstance(inner, list) and kind[0] == "tuple" else [inner] * len(value)
        return [self._value(one, item, key, name, data) for one, item in zip(kinds, value, strict=True)]


def _numbered(state: Any, name: str) -> str:
    """The ID of what is no object of Kubernetes: digits, for some providers take it for a number elsewhere."""
    return name if isinstance(state, dict) and "metadata" in state else str(crc32(name.encode()))


def identity(state: Any) -> str:
    """What a resource or a data source is called: Kubernetes' namespace and name, or what comes nearest to a name."""
    if not isinstance(state, dict):
        return "unnamed"
    metadata = state.get("metadata")
    found = metadata[0] if isinstance(metadata, list) and metadata else state
    parts = [found.get("namespace"), found.get("name") or found.get("mount") or found.get("zone_id")]
    named = [part for part in parts if isinstance(part, str) and part]
    return "/".join(named) or "unnamed"
