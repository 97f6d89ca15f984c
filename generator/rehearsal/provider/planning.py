"""What a provider plans and applies, from the schema and behaviour that were recorded of it. Pure.

Terraform proposes a state that merges the configuration with what the provider computed before. A provider adds its
defaults, marks what it will know after apply only, takes back differences that mean nothing, and says which of those
that are left replace the resource. The rules are those of Terraform's plugin SDK 2 (``schemaMap.Diff``), which
plugin-framework providers share as far as records go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.rehearsal.provider.rules import same
from generator.rehearsal.provider.values import UNKNOWN
from generator.rehearsal.provider.wire import Path

Schema = Mapping[str, Any]
"""A block, an object, an attribute or a block's type, as ``terraform providers schema -json`` has it."""


@dataclass(frozen=True)
class Planned:
    """The state that a resource will have, and the places whose change replaces it."""

    state: Any
    replaced_by: tuple[Path, ...] = ()


def plan(block: Schema, prior: Any, proposed: Any, config: Any) -> Planned:
    """Plan a resource whose schema is ``block``: created where ``prior`` is None, destroyed where ``proposed`` is."""
    if proposed is None:
        return Planned(None)
    planner = _Planner(existing=prior is not None)
    state = planner.object(block, prior, proposed, config, ())
    return Planned(state, tuple(dict.fromkeys(planner.replaced_by)))


class _Planner:
    def __init__(self, *, existing: bool) -> None:
        self._existing = existing
        self.replaced_by: list[Path] = []

    def object(self, schema: Schema, prior: Any, proposed: Any, config: Any, path: Path) -> Any:
        """The planned state of a block or an object; ``prior`` is None where it is new."""
        if not isinstance(proposed, dict):
            return proposed
        given = config if isinstance(config, dict) else {}
        planned = dict(proposed)
        for name, attribute in schema.get("attributes", {}).items():
            place = (*path, name)
            before = prior.get(name) if isinstance(prior, dict) else None
            if "nested_type" in attribute and isinstance(proposed.get(name), dict | list):
                planned[name] = self._nested(attribute["nested_type"], before, proposed[name], given.get(name), place)
            else:
                planned[name] = self._value(attribute, before, proposed.get(name), given.get(name), prior is None)
            self._note(attribute, before, planned[name], place)
        for name, nested in schema.get("block_types", {}).items():
            before = prior.get(name) if isinstance(prior, dict) else None
            if nested.get("computed") and before and not given.get(name):
                planned[name] = before  # what the server added stays
                continue
            planned[name] = self._nested(
                {**nested["block"], "nesting_mode": nested["nesting_mode"]},
                before,
                proposed.get(name),
                given.get(name),
                (*path, name),
            )
            self._note(nested, before or None, planned[name] or None, (*path, name))
        return planned

    def _value(self, attribute: Schema, before: Any, proposed: Any, given: Any, new: bool) -> Any:
        if given is None:
            if attribute.get("default") is not None:
                proposed = attribute["default"]
            elif proposed is None and new and attribute.get("computed"):
                return UNKNOWN
        if self._existing and (_empty(before) and _empty(proposed)):
            return before  # none, and an empty one, are the same to the SDK
        if "suppress" in attribute and self._existing and same(attribute["suppress"], before, proposed):
            return before
        return proposed

    def _nested(self, schema: Schema, before: Any, proposed: Any, given: Any, path: Path) -> Any:
        mode = schema["nesting_mode"]
        if mode in ("single", "group"):
            self._removed(schema, [before] if proposed is None and before else [], path)
            return self.object(schema, before, proposed, given, path)
        if mode == "map" and isinstance(proposed, dict):
            gone = [value for key, value in before.items() if key not in proposed] if isinstance(before, dict) else []
            self._removed(schema, gone, path)
            pairs = ((key, _at(before, key), value, _at(given, key)) for key, value in proposed.items())
            return {key: self.object(schema, old, new, config, (*path, key)) for key, old, new, config in pairs}
        if not isinstance(proposed, list):
            return proposed
        if mode == "set":  # elements have no number: one is as it was, or is new
            kept = before if isinstance(before, list) else []
            planned = [_element(schema, kept, item) for item in proposed]
            self._removed(schema, [item for item in kept if item not in planned], path)
            self._removed(schema, [item for item in planned if item not in kept], path)
            return planned
        self._removed(schema, before[len(proposed) :] if isinstance(before, list) else [], path)
        return [
            self.object(schema, _at(before, at), item, _at(given, at), (*path, at)) for at, item in enumerate(proposed)
        ]

    def _note(self, schema: Schema, before: Any, after: Any, path: Path) -> None:
        if self._existing and schema.get("force_new") and before != after:
            self.replaced_by.append(path)

    def _removed(self, schema: Schema, elements: Sequence[Any], path: Path) -> None:
        """Elements that go, or come without a place, replace the resource where anything that they have set would."""
        if self._existing and any(any(_forcing(schema, element)) for element in elements):
            self.replaced_by.append(path)


def _element(schema: Schema, kept: Sequence[Any], item: Any) -> Any:
    """An element of a set: one that was there, with its defaults and what was computed for it, or a new one."""
    if not isinstance(item, dict):
        return item
    computed = [name for name, attribute in schema.get("attributes", {}).items() if attribute.get("computed")]
    for old in kept:
        known = {name: old.get(name) for name in computed if item.get(name) is None}
        if _Planner(existing=True).object(schema, old, {**item, **known}, item, ()) == old:
            return old
    return _Planner(existing=False).object(schema, None, item, item, ())


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _forcing(schema: Schema, value: Any) -> Iterator[bool]:
    if not isinstance(value, dict):
        return
    for name, attribute in schema.get("attributes", {}).items():
        found = value.get(name)
        yield bool(attribute.get("force_new") and not _empty(found) and found != attribute.get("default"))
    for name, nested in schema.get("block_types", {}).items():
        for element in _elements(value.get(name)):
            yield from _forcing(nested["block"], element)


def _elements(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def _at(values: Any, key: Any) -> Any:
    if isinstance(values, dict):
        return values.get(key)
    return values[key] if isinstance(values, list) and key < len(values) else None
