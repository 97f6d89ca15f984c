"""Terraform's plan as a list of changes: what is added, changed, replaced, destroyed and moved. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

Action = Literal["create", "update", "replace", "delete", "move", "import", "forget"]
Side = Literal["before", "after"]
SENSITIVE = "(sensitive)"
UNKNOWN = "(known after apply)"
_LONGEST = 60
"""Characters of a value that a change shows."""
_ACTIONS: Mapping[tuple[str, ...], Action] = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "forget",
    ("create", "forget"): "replace",
}


@dataclass(frozen=True)
class AttributeChange:
    """One attribute, such as ``spec.template.spec.container["notes"].image``; None where it has no value."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ResourceChange:
    """What happens to one resource.

    ``replaced_by``: the attributes whose change replaces it. ``previous``: the address that it moves from.
    ``restarts``: its pods start again. ``stateful``: it holds what would be lost. ``effect``: what else follows.
    """

    address: str
    type: str
    action: Action
    attributes: tuple[AttributeChange, ...] = ()
    replaced_by: tuple[str, ...] = ()
    previous: str = ""
    restarts: bool = False
    stateful: bool = False
    effect: str = ""

    @property
    def loses(self) -> bool:
        """Whether something that holds state goes."""
        return self.stateful and self.action in ("replace", "delete")

    def as_document(self) -> dict[str, Any]:
        """The change as JSON; what does not apply is left out."""
        attributes = [{"path": item.path, "before": item.before, "after": item.after} for item in self.attributes]
        optional = {
            "attributes": attributes,
            "replaced_by": list(self.replaced_by),
            "previous_address": self.previous,
            "restarts": self.restarts,
            "stateful": self.stateful,
            "effect": self.effect,
        }
        found = {name: value for name, value in optional.items() if value}
        return {"address": self.address, "type": self.type, "action": self.action, **found}


@dataclass(frozen=True)
class Refusal:
    """Why Terraform refuses a stack; ``place`` is a file of the infra repository and a line, or empty."""

    summary: str
    detail: str = ""
    place: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.summary, " ".join(self.detail.split())) if part)


@dataclass(frozen=True)
class Rehearsal:
    """What Terraform would do with a stack.

    ``refused`` says why Terraform refuses it, and ``side`` in which tree: then nothing is known. Nor is it where the
    stack has something ``unrecorded``: providers, and types of theirs, that no stand-in knows.
    """

    stack: str
    changes: tuple[ResourceChange, ...] = ()
    refused: tuple[Refusal, ...] = ()
    side: Side = "after"
    unrecorded: tuple[str, ...] = ()

    @property
    def lost(self) -> tuple[ResourceChange, ...]:
        """What holds state and is replaced or destroyed."""
        return tuple(change for change in self.changes if change.loses)

    def count(self, *actions: str) -> int:
        """How many changes are of these actions."""
        return sum(change.action in actions for change in self.changes)

    def as_document(self) -> dict[str, Any]:
        """The rehearsal as the interface's JSON object, without event and schema."""
        document: dict[str, Any] = {"stack": self.stack, "changes": [change.as_document() for change in self.changes]}
        if self.refused:
            document |= {"refused": [str(item) for item in self.refused], "side": self.side}
        if self.unrecorded:
            document |= {"unrecorded": list(self.unrecorded)}
        return document


@dataclass(frozen=True)
class Meaning:
    """What changes of resources mean, by their types."""

    pods: Mapping[str, Sequence[str | int]]
    stateful: Collection[str]
    stateful_kinds: Collection[str]
    effects: Mapping[str, str] = field(default_factory=dict)


@cache
def meaning() -> Meaning:
    """What is known of the providers' resources."""
    return Meaning(**yaml.safe_load(Path(__file__).with_name("meaning.yml").read_text(encoding="utf-8")))


def read_plan(plan: Mapping[str, Any], stateful: Collection[str] = ()) -> tuple[ResourceChange, ...]:
    """The changes of a plan as ``terraform show -json`` has it, by address; ``stateful`` lists more types or kinds."""
    found = (_change(item, stateful) for item in plan.get("resource_changes", ()) if item["mode"] == "managed")
    return tuple(sorted((item for item in found if item), key=lambda item: item.address))


def _change(item: Mapping[str, Any], stateful: Collection[str]) -> ResourceChange | None:
    change, previous = item["change"], item.get("previous_address", "")
    action = _ACTIONS.get(tuple(change["actions"]))
    if change.get("importing"):
        action = action if action not in (None, "update") else "import"
    if action is None:
        action = "move" if previous else None
    if action is None:
        return None
    known, kind = meaning(), _kind(change)
    attributes = () if action in ("create", "delete", "forget", "move") else tuple(_differences(change))
    replaced_by = tuple(
        _shown(path, change["before"], change.get("before_sensitive")) for path in change.get("replace_paths", ())
    )
    pods = ".".join(step for step in known.pods.get(item["type"], ()) if isinstance(step, str))
    touched = any(re.match(rf"{re.escape(pods)}(?=[.[]|$)", attribute.path) for attribute in attributes)
    return ResourceChange(
        item["address"],
        item["type"],
        action,
        attributes,
        replaced_by,
        previous,
        restarts=bool(pods) and (touched or action == "replace"),
        stateful=bool({item["type"], kind} & {*known.stateful, *stateful}) or kind in known.stateful_kinds,
        effect=known.effects.get(kind, "") if action in ("replace", "delete") else "",
    )


def _kind(change: Mapping[str, Any]) -> str:
    """The kind of a Kubernetes object that is given as a manifest."""
    state = change["before"] or change["after"] or {}
    manifest = state.get("manifest")
    kind = manifest.get("kind") if isinstance(manifest, dict) else state.get("kind")
    return kind if isinstance(kind, str) else ""


def _differences(change: Mapping[str, Any]) -> Iterator[AttributeChange]:
    before, after = change["before"] or {}, change["after"] or {}
    unknown = change.get("after_unknown") or {}
    hidden = (change.get("before_sensitive") or {}, change.get("after_sensitive") or {})
    for name in dict.fromkeys([*before, *after, *unknown]):
        if name == "object" and "manifest" in before:  # what the cluster makes of the manifest
            continue
        masks = tuple(_part(mask, name) for mask in hidden)
        yield from _compared(name, before.get(name), after.get(name), _part(unknown, name), masks)


def _compared(path: str, before: Any, after: Any, unknown: Any, hidden: tuple[Any, ...]) -> Iterator[AttributeChange]:
    before, after = _none_as_list(before, after), _none_as_list(after, before)
    if unknown is True:
        yield AttributeChange(path, _text(before, hidden[0]), UNKNOWN)
    elif before == after and not unknown:
        return
    elif True in hidden:
        yield AttributeChange(path, _text(before, True), _text(after, True))
    elif isinstance(before, dict | list) and type(before) is type(after):
        yield from _inside(path, before, after, unknown, hidden)
    elif (one := _text(before, hidden[0])) != (other := _text(after, hidden[1])) or one is not None:
        yield AttributeChange(path, one, other)


def _none_as_list(value: Any, other: Any) -> Any:
    return [] if value is None and isinstance(other, list) else value


def _inside(path: str, before: Any, after: Any, unknown: Any, hidden: tuple[Any, ...]) -> Iterator[AttributeChange]:
    if isinstance(after, dict) and isinstance(unknown, dict):  # what is unknown is missing from the values
        after = {**after, **{key: None for key, mask in unknown.items() if mask is True}}
    ours, theirs = _parts(before, after, *hidden), _parts(after, before, *reversed(hidden))
    for key in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(key, (None, None)), theirs.get(key, (None, None))
        masks = (_part(hidden[0], one[0]), _part(hidden[1], other[0]))
        yield from _compared(f"{path}{key}", one[1], other[1], _part(unknown, other[0]), masks)
    if list(ours) != list(theirs) and ours.keys() == theirs.keys() and isinstance(before, list):
        yield AttributeChange(path, "in another order", ", ".join(key.strip('["]') for key in theirs))


def _parts(value: Any, other: Any, mask: Any, other_mask: Any) -> dict[str, tuple[Any, Any]]:
    """The parts of a value by how a path goes on: each with its key and itself.

    Elements go by their names where both lists have them, by their places otherwise; the only one needs neither.
    """
    if isinstance(value, dict):
        return {f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]": (key, part) for key, part in value.items()}
    if len(value) <= 1 and len(other) <= 1:
        return {"": (0, value[0])} if value else {}
    names = _names(value, mask) if _names(other, other_mask) is not None else None
    return {f"[{json.dumps(names[at] if names else at)}]": (at, part) for at, part in enumerate(value)}


def _names(elements: list[Any], mask: Any) -> list[str] | None:
    """The names of elements, where each has one of its own that may be shown."""
    if any(_hides(_part(_part(mask, at), "name")) for at in range(len(elements))):
        return None
    names = [element.get("name") if isinstance(element, dict) else None for element in elements]
    found = [name for name in names if isinstance(name, str)]
    return found if len(set(found)) == len(elements) else None


def _part(mask: Any, key: Any) -> Any:
    """The part of a mask, which is True where all of a value is meant."""
    if mask is True:
        return True
    if isinstance(mask, dict):
        return mask.get(key, False)
    return mask[key] if isinstance(mask, list) and isinstance(key, int) and key < len(mask) else False


def _hides(mask: Any) -> bool:
    """Whether a mask hides any part of what it is laid on."""
    if isinstance(mask, dict | list):
        return any(map(_hides, mask.values() if isinstance(mask, dict) else mask))
    return mask is True


def _text(value: Any, hidden: Any) -> str | None:
    """A value as a plan shows it; None where there is none."""
    if value is None or value in ([], {}):
        return None
    if _hides(hidden):
        return SENSITIVE
    if isinstance(value, str) and "\n" in value:
        return f"a text of {len(value.splitlines())} lines"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _shown(path: Sequence[str | int], before: Any, hidden: Any) -> str:
    """A place in a resource as changes name it."""
    shown, value, mask = "", before, hidden
    for step in path:
        if isinstance(step, str):
            shown += f".{step}" if shown else step
            value, mask = value.get(step) if isinstance(value, dict) else None, _part(mask, step)
            continue
        parts = _parts(value, value, mask, mask) if isinstance(value, list) else {}
        shown += next((key for key, (at, _) in parts.items() if at == step), f"[{step}]")
        value, mask = value[step] if isinstance(value, list) and step < len(value) else None, _part(mask, step)
    return shown
