"""A provider's answers to Terraform's calls, as messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from generator.rehearsal.provider import manifests, wire
from generator.rehearsal.provider.planning import Planned, Schema, plan
from generator.rehearsal.provider.stand_ins import StandIns
from generator.rehearsal.provider.values import read, written

AGREED = ("ConfigureProvider", "ValidateDataResourceConfig", "ValidateProviderConfig", "ValidateResourceConfig")
"""Calls whose answer is a list of diagnostics: an empty message is an empty list."""

_IMPORTED = b"imported"
"""What a provider keeps beside the state of a resource that was imported."""


class Provider:
    """One provider, as a record has it. ``stand_ins`` says what it finds in the real world."""

    def __init__(self, record: Path | None, stand_ins: Callable[[], StandIns]) -> None:
        self._file = record
        self._stand_ins = stand_ins

    @cached_property
    def _record(self) -> Mapping[str, Any]:
        """The record; without one, a provider that has no type and no argument."""
        empty: dict[str, Any] = {"provider": {"block": {}}, "resource_schemas": {}, "data_source_schemas": {}}
        return json.loads(self._file.read_text(encoding="utf-8")) if self._file else empty

    @cached_property
    def _schema(self) -> bytes:
        return wire.provider_schema(self._record)

    def calls(self) -> dict[str, Callable[[bytes], bytes]]:
        """The calls by name, each with what answers it."""
        return {
            "GetProviderSchema": lambda _: self._schema,
            "StopProvider": lambda _: b"",
            **dict.fromkeys(AGREED, lambda _: b""),
            "UpgradeResourceState": self._upgrade,
            "ReadResource": lambda request: wire.message(1, _field(request, 2)) + wire.message(3, _field(request, 3)),
            "PlanResourceChange": self._plan,
            "ApplyResourceChange": self._apply,
            "ImportResourceState": self._import,
            "ReadDataSource": self._read,
        }

    def _block(self, kind: str, found: Mapping[int, list[Any]]) -> tuple[str, Schema]:
        name = found[1][0].decode()
        return name, self._record[kind][name]["block"]

    def _upgrade(self, request: bytes) -> bytes:
        """A state of an earlier run, whose JSON has every attribute of the schema."""
        raw = wire.fields(_field(request, 3))
        return wire.message(1, wire.message(2, raw[1][0]))

    def _plan(self, request: bytes) -> bytes:
        found = wire.fields(request)
        name, block = self._block("resource_schemas", found)
        prior, proposed, config = (read(found[at][0]) for at in (2, 3, 4))
        planned = self._planned(name, block, prior, proposed, config)
        if name in manifests.KEPT and found.get(5) == [_IMPORTED]:
            planned = Planned(planned.state)
        return b"".join(
            [
                written(1, planned.state),
                wire.paths(2, planned.replaced_by),
                wire.message(3, found.get(5, [b""])[0]),
                wire.number(5, 1),  # legacy_type_system: states may be less exact than the plugin framework's
            ]
        )

    def _planned(self, name: str, block: Schema, prior: Any, proposed: Any, config: Any) -> Planned:
        own = manifests.PLANS.get(name)
        framework = self._record["resource_schemas"][name].get("framework", False)
        planned = plan(block, prior, proposed, config, framework=framework)
        return own(planned, prior) if own and planned.state is not None else planned

    def _apply(self, request: bytes) -> bytes:
        found = wire.fields(request)
        _, block = self._block("resource_schemas", found)
        state = self._stand_ins().resource(block, read(found[3][0]))
        return written(1, state) + wire.message(2, found.get(5, [b""])[0]) + wire.number(4, 1)

    def _import(self, request: bytes) -> bytes:
        """Of what is imported only its id is known."""
        found = wire.fields(request)
        name, block = self._block("resource_schemas", found)
        state: dict[str, Any] = dict.fromkeys(block.get("attributes", {}))
        state |= {nested: _none_of(schema) for nested, schema in block.get("block_types", {}).items()}
        state |= {"id": found[2][0].decode()} if "id" in state else {}
        return wire.message(1, wire.text(1, name) + written(2, state) + wire.message(3, _IMPORTED))

    def _read(self, request: bytes) -> bytes:
        found = wire.fields(request)
        _, block = self._block("data_source_schemas", found)
        return written(1, self._stand_ins().data(block, read(found[2][0])))


def _none_of(schema: Schema) -> Any:
    return {"list": [], "set": [], "map": {}}.get(schema["nesting_mode"])


def _field(request: bytes, number: int) -> bytes:
    value: bytes = wire.fields(request).get(number, [b""])[0]
    return value
