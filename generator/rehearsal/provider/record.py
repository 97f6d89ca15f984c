"""Record schemas: ``terraform providers schema -json | python -m``, this module, then ``SOURCE VERSIONS TYPE...``.

Cuts the schema of one provider, named by its address such as ``hashicorp/kubernetes``, down to the resource types
named (data sources as ``data.TYPE``), without descriptions, and writes it to standard output. ``VERSIONS``, joined by
commas, are those that it was seen to hold for.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from generator.rehearsal.provider.records import REGISTRY

_DROPPED = {"description", "description_kind", "deprecation_message"}


def record(schemas: Mapping[str, Any], source: str, versions: list[str], types: list[str]) -> str:
    """The record as a JSON text with one type a line; raises ``KeyError`` for a type that the provider has not."""
    provider = schemas["provider_schemas"][f"{REGISTRY}/{source}"]
    data = sorted(name.removeprefix("data.") for name in types if name.startswith("data."))
    resources = sorted(name for name in types if not name.startswith("data."))
    return (
        f'{{"source":{_compact(source)},"versions":{_compact(versions)},\n'
        f'"provider":{_compact(provider["provider"])},\n'
        f'"resource_schemas":{_lines(provider.get("resource_schemas", {}), resources)},\n'
        f'"data_source_schemas":{_lines(provider.get("data_source_schemas", {}), data)}}}\n'
    )


def _lines(schemas: Mapping[str, Any], names: list[str]) -> str:
    return "{" + ",".join(f"\n{_compact(name)}:{_compact(schemas[name])}" for name in names) + "}"


def _compact(value: Any) -> str:
    return json.dumps(_cut(value), separators=(",", ":"), sort_keys=True)


def _cut(value: Any, names: bool = False) -> Any:
    """``value`` without prose. Below ``attributes`` and ``block_types`` keys are names, and all of them are kept."""
    if isinstance(value, dict):
        return {
            key: _cut(inner, names=key in {"attributes", "block_types"} and not names)
            for key, inner in value.items()
            if names or key not in _DROPPED
        }
    return [_cut(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.stdout.write(record(json.load(sys.stdin), sys.argv[1], sys.argv[2].split(","), sys.argv[3:]))
