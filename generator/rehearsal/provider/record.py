"""Record schemas: ``terraform providers schema -json | python -m``, this module, then ``SOURCE FACTS TYPE...``.

Cuts the schema of one provider, named by its address such as ``hashicorp/kubernetes``, down to the resource types
named (data sources as ``data.TYPE``), without descriptions, and writes it to standard output. ``FACTS`` is a JSON file
with what a plan needs to know and no schema says: what forces a replacement, defaults, which values are equal. It
comes from the provider's own code; the README says how.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generator.rehearsal.provider.records import REGISTRY

FACTS = {
    "force_new",
    "force_new_if",
    "default",
    "suppress",
    "normalized",
    "planned",
    "use_state_for_unknown",
    "format",
    "elements",
    "kept",
}
"""What a record has on an attribute or a block in addition to Terraform's own description of it."""
RESOURCE_FACTS = {"customize_diff", "importable", "framework"}
"""The same on a resource."""
RULES = Path(__file__).with_name("rules.json")
CUSTOMIZED = Path(__file__).with_name("customized.json")
_DROPPED = {"description", "description_kind", "deprecation_message"}
_NAMES = {"attributes", "block_types"}
_UNSAID = {"id", "timeouts"}
"""Attributes and blocks that the SDK adds to a resource: no provider's code says anything of them."""


def record(schemas: Mapping[str, Any], source: str, facts: Mapping[str, Any], types: list[str]) -> str:
    """The record as a JSON text with one type a line.

    ``facts`` has ``versions``, ``origin`` and, by type, ``resources``. Raises ``KeyError`` for a type that the provider
    has not, ``ValueError`` for a function without a rule and for facts that do not fit the schema.
    """
    provider = schemas["provider_schemas"][f"{REGISTRY}/{source}"]
    data = sorted(name.removeprefix("data.") for name in types if name.startswith("data."))
    resources = sorted(name for name in types if not name.startswith("data."))
    known = provider.get("resource_schemas", {})
    completed = {name: _resource(name, known[name], facts["resources"].get(name)) for name in resources}
    return (
        f'{{"source":{_compact(source)},"versions":{_compact(facts["versions"])},\n'
        f'"origin":{_compact(facts["origin"])},\n'
        f'"provider":{_compact(provider["provider"])},\n'
        f'"resource_schemas":{_lines(completed, resources)},\n'
        f'"data_source_schemas":{_lines(provider.get("data_source_schemas", {}), data)}}}\n'
    )


def schema_of(recorded: Any, names: bool = False) -> Any:
    """A recorded schema without facts: what Terraform itself knows of the provider."""
    if isinstance(recorded, dict):
        return {
            key: schema_of(inner, names=key in _NAMES and not names)
            for key, inner in recorded.items()
            if names or key not in FACTS | RESOURCE_FACTS
        }
    return recorded


def described(block: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every attribute and block below ``block`` with its path, such as ``spec.replicas``: what facts can be on."""
    for name, attribute in block.get("attributes", {}).items():
        yield path + name, attribute
        yield from described(attribute.get("nested_type", {}), f"{path}{name}.")
    for name, nested in block.get("block_types", {}).items():
        yield path + name, nested
        yield from described(nested["block"], f"{path}{name}.")


def _resource(name: str, schema: Mapping[str, Any], facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """The schema of one resource with its facts, those of ``customized.json`` included."""
    completed: dict[str, Any] = json.loads(json.dumps(schema))
    if facts is not None:
        _add(completed["block"], facts["attributes"], name)
        for key in RESOURCE_FACTS & set(facts):
            completed[key] = facts[key]
    for wanted, said in _customized().get(name, {}).items():
        of = list(_named(completed, wanted))
        if not of:
            raise ValueError(f"{name} has no {wanted}, which {CUSTOMIZED.name} names")
        for entry in of:
            entry.update(said)
    return completed


def _add(block: dict[str, Any], facts: Mapping[str, Any], where: str) -> None:
    """Add facts to the attributes and blocks of ``block``; raises ``ValueError`` where the two do not fit."""
    known = {**block.get("attributes", {}), **block.get("block_types", {})}
    if odd := (known.keys() ^ facts.keys()) - _UNSAID:
        raise ValueError(f"{where}: only in the schema or only in the facts: {', '.join(sorted(odd))}")
    for name in known.keys() & facts.keys():
        entry, said = known[name], facts[name]
        entry.update(_facts(said, f"{where}.{name}"))
        if "block" in entry and said.get("computed"):
            entry["kept"] = True
        if "default" in entry:
            entry["default"] = _as_type(entry["default"], entry.get("type"))
        below = entry.get("block") or entry.get("nested_type")
        if below:
            _add(below, said.get("attributes", {}), f"{where}.{name}")
        elif (entry.get("optional") or entry.get("required")) and (found := _of_elements(said, f"{where}.{name}")):
            entry["elements"] = found


def _of_elements(said: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What is said of the values in a list, set or map: ``""`` is each, others are fields of objects.

    The SDK overwrites ``ForceNew`` of plain elements with the attribute's own, so that is not among it.
    """
    found = {key: _facts(inner, f"{where}.{key}") for key, inner in said.get("attributes", {}).items()}
    if "elem" in said:
        each = _facts(said["elem"], where)
        found[""] = {key: value for key, value in each.items() if not key.startswith("force_new")}
    return {key: inner for key, inner in found.items() if inner}


def _facts(said: Mapping[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {key: said[key] for key in FACTS - {"suppress", "normalized", "elements"} if key in said}
    for key, of in (("suppress", "suppress"), ("normalized", "state_func")):
        if of in said:
            found[key] = _rule(said[of], where)
    return found


def _as_type(default: Any, kind: Any) -> Any:
    """A default as the attribute's type has it: code may have 0 where the type is string, which the SDK converts."""
    if kind == "string" and not isinstance(default, str):
        return json.dumps(default)
    return default


def _rule(function: str, where: str) -> str:
    """The rule for a function such as ``kubernetes.suppressEquivalentResourceQuantity``."""
    for name, rule in json.loads(RULES.read_text(encoding="utf-8")).items():
        if function in rule["functions"]:
            return str(name)
    raise ValueError(f"{where}: {function} is no rule of {RULES.name}")


def _customized() -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(CUSTOMIZED.read_text(encoding="utf-8"))
    return found


def _named(schema: dict[str, Any], wanted: str) -> Iterator[dict[str, Any]]:
    """What a path of ``customized.json`` names.

    The empty one is the resource, one that ends in ``.*`` every plain attribute below: not the values in maps and
    lists, where ``ResourceDiff.ForceNew`` has no effect.
    """
    if not wanted:
        yield schema
    for path, entry in described(schema["block"]):
        below = wanted.endswith(".*") and path.startswith(wanted[:-1]) and isinstance(entry.get("type"), str)
        if path == wanted or below:
            yield entry


def _lines(schemas: Mapping[str, Any], names: list[str]) -> str:
    return "{" + ",".join(f"\n{_compact(name)}:{_compact(schemas[name])}" for name in names) + "}"


def _compact(value: Any) -> str:
    return json.dumps(_cut(value), separators=(",", ":"), sort_keys=True)


def _cut(value: Any, names: bool = False) -> Any:
    """``value`` without prose. Below ``attributes`` and ``block_types`` keys are names, and all of them are kept."""
    if isinstance(value, dict):
        return {
            key: _cut(inner, names=key in _NAMES and not names)
            for key, inner in value.items()
            if names or key not in _DROPPED
        }
    return [_cut(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    said = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    sys.stdout.write(record(json.load(sys.stdin), sys.argv[1], said, sys.argv[3:]))
