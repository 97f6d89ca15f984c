"""What a provider plans and applies, from the schema and behaviour that were recorded of it. Pure.

Terraform proposes a state that merges the configuration with what the provider computed before. A provider adds its
defaults, marks what it will know after apply only, takes back differences that mean nothing, and says which of those
that are left replace the resource. Plugin SDK 2 (``schemaMap.Diff``) and the plugin framework do so by different rules:
``RECORDS.md`` has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generator.rehearsal.provider.rules import CONDITIONS, NORMALIZED, PLANNED, same
from generator.rehearsal.provider.values import UNKNOWN
from generator.rehearsal.provider.wire import Path

Schema = Mapping[str, Any]
"""A block, an object, an attribute or a block's type, as ``terraform providers schema -json`` has it."""


@dataclass(frozen=True)
class Planned:
    """The state that a resource will have, and the places whose change replaces it."""

    state: Any
    replaced_by: tuple[Path, ...] = ()


def plan(block: Schema, prior: Any, proposed: Any, config: Any, *, framework: bool = False) -> Planned:
    """Plan a resource whose schema is ``block``: created where ``prior`` is None, destroyed where ``proposed`` is.

    ``framework``: its provider is written with the plugin framework, and plans by its rules.
    """
    if proposed is None:
        return Planned(None)
    planner = _Planner(prior, config, framework=framework)
    state = planner.object(block, prior, proposed, config, ())
    if framework and prior is not None and state != prior:
        state |= {
            name: UNKNOWN for name, attribute in block["attributes"].items() if _renewed(attribute, config.get(name))
        }
    return Planned(state, tuple(dict.fromkeys(planner.replaced_by)))


def _renewed(attribute: Schema, given: Any) -> bool:
    """Whether a framework's provider will know an attribute after the update only."""
    kept = attribute.get("use_state_for_unknown") or "default" in attribute or "planned" in attribute
    return bool(attribute.get("computed") and given is None and not kept)


class _Planner:
    """``prior`` is the whole resource's state, None where it is new, and ``config`` its configuration."""

    def __init__(self, prior: Any, config: Any, *, framework: bool) -> None:
        self._existing = prior is not None
        self._prior = prior or {}
        self._config = config or {}
        self._framework = framework
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
            if nested.get("kept") and before and not given.get(name):
                planned[name] = before  # what the server added stays
                continue
            planned[name] = self._nested(
                {**nested["block"], "nesting_mode": nested["nesting_mode"]},
                before,
                proposed.get(name),
                given.get(name),
                (*path, name),
            )
            self._note(nested, _count(before), _count(planned[name]), (*path, name))
        return planned

    def _value(self, attribute: Schema, before: Any, proposed: Any, given: Any, new: bool) -> Any:
        if given == "" and attribute.get("computed") and not self._framework:
            given, proposed = None, before
        if given is None:
            if attribute.get("default") is not None:
                proposed = attribute["default"]
            elif proposed is None and attribute.get("computed") and new and (self._framework or not self._existing):
                proposed = UNKNOWN  # a part that an update adds gets no value of the SDK's
        if planned := PLANNED.get(attribute.get("planned", "")):
            proposed = planned(proposed, before, self._prior, self._config)
        if isinstance(proposed, str) and (stored := NORMALIZED.get(attribute.get("normalized", ""))):
            proposed = stored(proposed)
        return self._settled(attribute, before, proposed) if self._existing and not new else proposed

    def _settled(self, attribute: Schema, before: Any, proposed: Any) -> Any:
        """The value without what means nothing: the state's where that is the same."""
        if not self._framework and not attribute.get("computed") and _empty(before) and _empty(proposed):
            return before
        rule = attribute.get("suppress")
        if rule is None:
            return proposed
        if isinstance(before, dict) and isinstance(proposed, dict):
            return {
                key: before[key] if key in before and same(rule, before[key], value, self._prior) else value
                for key, value in proposed.items()
            }
        return before if same(rule, before, proposed, self._prior) else proposed

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
            planned = [self._element(schema, kept, item) for item in proposed]
            self._removed(schema, [item for item in kept if item not in planned], path)
            self._removed(schema, [item for item in planned if item not in kept], path)
            return planned
        self._removed(schema, before[len(proposed) :] if isinstance(before, list) else [], path)
        return [
            self.object(schema, _at(before, at), item, _at(given, at), (*path, at)) for at, item in enumerate(proposed)
        ]

    def _element(self, schema: Schema, kept: Sequence[Any], item: Any) -> Any:
        """An element of a set: one that was there, with its defaults and what was computed for it, or a new one."""
        if not isinstance(item, dict):
            return item
        computed = [name for name, attribute in schema.get("attributes", {}).items() if attribute.get("computed")]
        for old in kept:
            known = {name: old.get(name) for name in computed if item.get(name) is None}
            if self._apart().object(schema, old, {**item, **known}, item, ()) == old:
                return old
        return self._apart().object(schema, None, item, item, ())

    def _apart(self) -> _Planner:
        """A planner for the same resource whose replacements are not noted."""
        return _Planner(self._prior if self._existing else None, self._config, framework=self._framework)

    def _note(self, schema: Schema, before: Any, after: Any, path: Path) -> None:
        if not self._existing or before == after:
            return
        condition = CONDITIONS.get(schema.get("force_new_if", ""))
        if schema.get("force_new") or (condition and condition(before, after, self._prior, self._config)):
            self.replaced_by.append(path)

    def _removed(self, schema: Schema, elements: Sequence[Any], path: Path) -> None:
        """Elements that go, or come without a place, replace the resource where anything that they have set would."""
        if self._existing and any(any(_forcing(schema, element)) for element in elements):
            self.replaced_by.append(path)


def _empty(value: Any) -> bool:
    """Whether a value is none, or the zero value of its type: to the SDK they are the same."""
    return value is None or (value is not UNKNOWN and not value)


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


def _count(value: Any) -> Any:
    """How many blocks there are, which is what a fact about blocks is about."""
    return len(value) if isinstance(value, list) else value if value is UNKNOWN else int(value is not None)


def _at(values: Any, key: Any) -> Any:
    if isinstance(values, dict):
        return values.get(key)
    return values[key] if isinstance(values, list) and key < len(values) else None
