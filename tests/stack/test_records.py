"""Records of providers: what Terraform says of them, and what only their own code says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from generator.rehearsal.provider.record import FACTS, RESOURCE_FACTS, RULES, described, record, schema_of
from generator.rehearsal.provider.records import REGISTRY, SCHEMAS

RECORDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(SCHEMAS.glob("*.json"))}
KUBERNETES = RECORDS["kubernetes"]["resource_schemas"]
ORIGIN = {"repository": "https://example.org/a", "version": "1.0.0", "commit": "0" * 40, "how": "built"}


def facts(**resources: Any) -> dict[str, Any]:
    return {"versions": ["1.0.0"], "origin": ORIGIN, "resources": resources}


def of(block: dict[str, Any], **kinds: Any) -> dict[str, Any]:
    provider = {"provider": {"block": {}}, "resource_schemas": {"a_thing": {"version": 2, "block": block}}, **kinds}
    return {"provider_schemas": {f"{REGISTRY}/some/a": provider}}


def recorded(block: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    text = record(of(block), "some/a", facts(a_thing={"attributes": said}), ["a_thing"])
    found: dict[str, Any] = json.loads(text)["resource_schemas"]["a_thing"]["block"]
    return found


# --- recording -----------------------------------------------------------------------------------------------


def test_a_record_has_no_prose_and_no_type_that_was_not_asked_for() -> None:
    block = {
        "attributes": {"description": {"type": "string", "description": "What it is", "description_kind": "plain"}}
    }
    thing = {"version": 2, "block": {**block, "description": "A thing", "block_types": {}}}
    schemas = of(block, resource_schemas={"a_thing": thing, "a_other": thing}, data_source_schemas={"a_thing": thing})
    found = json.loads(record(schemas, "some/a", facts(), ["a_thing", "data.a_thing"]))
    cut = {"version": 2, "block": {"attributes": {"description": {"type": "string"}}, "block_types": {}}}
    assert found["resource_schemas"] == {"a_thing": cut}
    assert found["data_source_schemas"] == {"a_thing": cut}
    assert (found["versions"], found["origin"]) == (["1.0.0"], ORIGIN)
    with pytest.raises(KeyError, match="a_missing"):
        record(schemas, "some/a", facts(), ["a_missing"])


def test_facts_stand_beside_what_terraform_says() -> None:
    block = {
        "attributes": {"id": {"type": "string", "computed": True}, "size": {"type": "string", "optional": True}},
        "block_types": {"spec": {"nesting_mode": "list", "block": {"attributes": {"default": {"type": "number"}}}}},
    }
    size = {"force_new": True, "suppress": "kubernetes.suppressEquivalentResourceQuantity"}
    found = recorded(block, {"size": size, "spec": {"force_new": True, "attributes": {"default": {"default": 3}}}})
    assert found["attributes"]["size"] == {
        "type": "string",
        "optional": True,
        "force_new": True,
        "suppress": "quantity",
    }
    assert found["block_types"]["spec"]["force_new"] is True
    assert found["block_types"]["spec"]["block"]["attributes"]["default"] == {"type": "number", "default": 3}
    assert schema_of(found) == block


def test_facts_of_the_values_in_a_list_are_kept_apart() -> None:
    block = {"attributes": {"sizes": {"type": ["list", "string"], "optional": True}}}
    quantity = "kubernetes.suppressEquivalentResourceQuantity"
    found = recorded(block, {"sizes": {"elem": {"force_new": True, "suppress": quantity}}})
    assert found["attributes"]["sizes"]["elements"] == {"": {"suppress": "quantity"}}


def test_a_function_without_a_rule_is_refused() -> None:
    block = {"attributes": {"size": {"type": "string"}}}
    with pytest.raises(ValueError, match=r"a_thing\.size: some\.function"):
        recorded(block, {"size": {"suppress": "some.function"}})


def test_facts_that_do_not_fit_the_schema_are_refused() -> None:
    block = {"attributes": {"size": {"type": "string"}}}
    with pytest.raises(ValueError, match=r"a_thing: .*height, size"):
        recorded(block, {"height": {}})


# --- the records ---------------------------------------------------------------------------------------------


def entries() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, provider in RECORDS.items():
        for kind, schema in provider["resource_schemas"].items():
            for path, entry in described(schema["block"]):
                yield f"{name} {kind}.{path}", entry


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_says_where_it_is_from(name: str) -> None:
    origin = RECORDS[name]["origin"]
    assert set(origin) == {"repository", "version", "commit", "how"}
    assert len(origin["commit"]) == 40
    assert origin["how"] in {"built", "read"}
    assert origin["version"] in RECORDS[name]["versions"]


def test_every_rule_is_used_and_has_examples() -> None:
    rules = json.loads(RULES.read_text(encoding="utf-8"))
    used = {entry[key] for _, entry in entries() for key in ("suppress", "normalized") if key in entry}
    used |= {
        inner[key]
        for _, entry in entries()
        for inner in entry.get("elements", {}).values()
        for key in ("suppress", "normalized")
        if key in inner
    }
    assert used == set(rules)
    for name, rule in rules.items():
        assert rule["functions"], name
        assert rule["does"], name
        assert rule["examples"] or rule["depends_on"], name


def test_defaults_fit_their_types() -> None:
    python: dict[str, Any] = {"string": str, "bool": bool, "number": (int, float)}
    for path, entry in entries():
        if "default" in entry and isinstance(entry.get("type"), str):
            assert isinstance(entry["default"], python[entry["type"]]), path


def test_facts_are_of_the_names_that_the_stand_in_knows() -> None:
    schema_keys = {"type", "optional", "required", "computed", "sensitive", "deprecated", "write_only", "nested_type"}
    block_keys = {"block", "nesting_mode", "min_items", "max_items"}
    for path, entry in entries():
        assert set(entry) <= schema_keys | block_keys | FACTS, path
    for provider in RECORDS.values():
        for kind, schema in provider["resource_schemas"].items():
            assert set(schema) <= {"block", "version"} | RESOURCE_FACTS, kind


def kubernetes(kind: str, path: str) -> dict[str, Any]:
    return dict(described(KUBERNETES[f"kubernetes_{kind}"]["block"]))[path]


@pytest.mark.parametrize("kind", [name.removeprefix("kubernetes_") for name in KUBERNETES])
def test_another_name_or_namespace_is_another_object(kind: str) -> None:
    known = dict(described(KUBERNETES[f"kubernetes_{kind}"]["block"]))
    for path in ("metadata.name", "metadata.namespace"):
        if path in known:
            assert known[path].get("force_new"), (kind, path)


def test_what_replaces_a_claim_and_what_grows_in_place() -> None:
    for kind in ("persistent_volume_claim", "persistent_volume_claim_v1"):
        assert kubernetes(kind, "spec.resources.requests")["force_new_if"] == "storage_smaller"
        assert "force_new" not in kubernetes(kind, "spec.resources.requests")
        for path in ("access_modes", "storage_class_name", "volume_mode", "volume_name", "selector"):
            assert kubernetes(kind, f"spec.{path}")["force_new"], path


def test_a_volume_with_another_source_is_another_volume() -> None:
    assert kubernetes("persistent_volume", "spec.persistent_volume_source.nfs.path")["force_new"]
    attributes = kubernetes("persistent_volume", "spec.persistent_volume_source.csi.volume_attributes")
    assert "force_new" not in attributes, "the provider tries to, which does nothing for the values in a map"
    assert "force_new" not in kubernetes("persistent_volume", "spec.capacity")


def test_a_deployment_keeps_its_selector_and_restarts_for_its_template() -> None:
    assert kubernetes("deployment", "spec.selector.match_labels")["force_new"]
    assert "force_new" not in kubernetes("deployment", "spec.template.metadata.labels")
    limits = kubernetes("deployment", "spec.template.spec.container.resources.limits")
    assert limits["suppress"] == "quantity"


# --- what the real providers planned ---------------------------------------------------------------------------

PLANS = [
    (plan["type"], case)
    for plan in json.loads(SCHEMAS.with_name("plans.json").read_text(encoding="utf-8"))
    for case in plan["cases"]
]


def facts_of(kind: str, path: str) -> dict[str, Any]:
    """The fact's entry for a path with indices, such as ``spec.0.selector.0.match_labels``, or a key in a map."""
    known = dict(described(RECORDS[kind.partition("_")[0]]["resource_schemas"][kind]["block"]))
    parts = [part for part in path.split(".") if not part.isdigit()]
    while ".".join(parts) not in known:
        parts.pop()
    return known[".".join(parts)]


def test_what_replaced_in_real_plans_has_the_fact() -> None:
    replaced = [(kind, path) for kind, case in PLANS for path in case["replace"]]
    assert len(replaced) >= 100
    assert not {
        (kind, path) for kind, path in replaced if not {"force_new", "force_new_if"} & set(facts_of(kind, path))
    }


def test_what_real_plans_updated_does_not_replace() -> None:
    updated = [
        (kind, case, path) for kind, case in PLANS if case["actions"] == ["update"] for path, *_ in case["changes"]
    ]
    assert len(updated) >= 200
    assert not {
        (kind, case["case"], path)
        for kind, case, path in updated
        if facts_of(kind, path).get("force_new") and isinstance(facts_of(kind, path).get("type"), str)
    }


def test_a_real_plan_of_the_same_text_is_none() -> None:
    same = [case["actions"] for _, case in PLANS if case["case"] == "nothing"]
    assert len(same) >= 20
    assert all(actions == ["no-op"] for actions in same)
