"""Values and messages: what goes over the wire comes back; stand-ins; rules; what manifests plan."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.rehearsal.provider import rules, wire
from generator.rehearsal.provider.manifests import PLANS
from generator.rehearsal.provider.planning import Planned
from generator.rehearsal.provider.records import SCHEMAS
from generator.rehearsal.provider.rules import same
from generator.rehearsal.provider.stand_ins import Requested, StandIns, identity
from generator.rehearsal.provider.values import UNKNOWN, has_unknown, read, written

# --- the wire ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "ü\n" * 200,
        0,
        -1,
        1 << 40,
        1.5,
        True,
        [],
        {},
        {"a": [{"b": None}, [1, "2"]]},
        UNKNOWN,
        {"a": UNKNOWN, "b": [UNKNOWN]},
    ],
)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert read(wire.fields(written(3, value))[3][0]) == value
    assert has_unknown(value) == ("UNKNOWN" in repr(value))


def test_a_value_in_json_is_read_too() -> None:
    assert read(wire.message(2, b'{"a": [1, null]}')) == {"a": [1, None]}
    assert read(b"") is None


def test_messages_have_their_fields() -> None:
    data = wire.number(1, 300) + wire.text(2, "") + wire.message(2, b"\x00" * 200) + wire.number(3, 0)
    assert wire.fields(data) == {1: [300], 2: [b"", b"\x00" * 200]}
    assert wire.fields(b"\x09" + b"\x01" * 8 + b"\x0d" + b"\x02" * 4) == {1: [b"\x01" * 8, b"\x02" * 4]}


@pytest.mark.parametrize("data", [b"\x80", b"\x08", b"\x08\xff"])
def test_a_message_that_ends_early_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="in the middle of a field"):
        wire.fields(data)


def test_paths_name_steps_and_elements() -> None:
    (path,) = wire.fields(wire.paths(2, [("spec", 0, "name")]))[2]
    assert [wire.fields(step) for step in wire.fields(path)[1]] == [{1: [b"spec"]}, {3: [0]}, {1: [b"name"]}]
    assert wire.paths(2, []) == b""


def test_an_error_has_a_summary_and_a_detail() -> None:
    assert wire.fields(wire.fields(wire.error(4, "no", "way"))[4][0]) == {1: [1], 2: [b"no"], 3: [b"way"]}


# --- what means the same -------------------------------------------------------------------------------------


RECORDED: dict[str, Any] = json.loads((Path(rules.__file__).with_name("rules.json")).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RECORDED)
def test_a_rule_answers_as_the_providers_own_code_did(name: str) -> None:
    wrong = []
    for example in RECORDED[name]["examples"]:
        *given, expected = example
        if name in rules.NORMALIZED:
            found: Any = rules.NORMALIZED[name](*given)
        elif name in rules.OF_RESOURCE:
            found = same(name, "a", "b", given[0])
        else:
            found = same(name, given[0], given[1], {})
        if found != expected:
            wrong.append((given, expected, found))
    assert not wrong


def test_values_that_are_no_texts_are_never_the_same() -> None:
    for name in rules.RULES:
        assert not same(name, None, "0", {})
        assert not same(name, UNKNOWN, "0", {})
        assert not same(name, "0", UNKNOWN, {})
    assert not same("no such rule", "a", "a", {})


def test_conditions_and_plans_are_those_of_the_records() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.json"))
    for key, known in (("force_new_if", rules.CONDITIONS), ("planned", rules.PLANNED)):
        named = set(re.findall(rf'"{key}":"(\w+)"', text))
        assert named - {"time_passed"} == set(known)  # time passes in no rehearsal


@pytest.mark.parametrize(
    ("name", "before", "after", "state", "config", "expected"),
    [
        ("immutable", {}, {"a": "b"}, {"immutable": True}, {"immutable": False}, True),
        ("immutable", {}, {"a": "b"}, {"immutable": False}, {"immutable": True}, False),
        ("storage_smaller", {"storage": "2Gi"}, {"storage": "1Gi"}, {}, {}, True),
        ("storage_smaller", {"storage": "1Gi"}, {"storage": "2048Mi"}, {}, {}, False),
        ("storage_smaller", {"storage": "1Gi"}, {"storage": UNKNOWN}, {}, {}, False),
        ("storage_smaller", None, {"storage": "1Gi"}, {}, {}, False),
        ("remount_disabled", "a", "b", {}, {"disable_remount": True}, True),
        ("remount_disabled", "a", "b", {}, {"disable_remount": None}, False),
        ("force_new_set", "a", "b", {}, {"force_new": True}, True),
        ("force_new_set", "a", "b", {}, {"force_new": None}, False),
        ("values_not_null", None, {"a": None}, {}, {}, False),
        ("values_not_null", None, {"a": "b"}, {}, {}, True),
        ("unless_emptied", "", None, {}, {}, False),
        ("unless_emptied", "a", None, {}, {}, True),
        ("contains_pem", "-----BEGIN KEY", "b", {}, {}, True),
        ("contains_pem", "a hash", "b", {}, {}, False),
    ],
)  # fmt: skip
def test_conditions(name: str, before: Any, after: Any, state: Any, config: Any, expected: bool) -> None:
    assert rules.CONDITIONS[name](before, after, state, config) is expected


@pytest.mark.parametrize(
    ("name", "value", "before", "config", "expected"),
    [
        ("state_if_empty", "", "kept", {}, "kept"),
        ("state_if_empty", "new", "kept", {}, "new"),
        ("state_if_version", None, "kept", {"version": "1"}, "kept"),
        ("state_if_version", None, "kept", {}, None),
        ("state_unless_verify", "new", "kept", {"verify": False}, "kept"),
        ("state_unless_verify", "new", "kept", {}, "new"),
        ("number_numeric", None, None, {}, True),
        ("number_numeric", None, True, {"numeric": False}, False),
        ("ready_for_renewal", None, False, {"validity_period_hours": 0}, True),
        ("ready_for_renewal", None, False, {"validity_period_hours": 9, "early_renewal_hours": 1}, False),
        ("ready_for_renewal", UNKNOWN, None, {"validity_period_hours": 9}, UNKNOWN),
    ],
)  # fmt: skip
def test_plans_of_a_provider_s_own(name: str, value: Any, before: Any, config: Any, expected: Any) -> None:
    assert rules.PLANNED[name](value, before, {}, config) == expected


# --- stand-ins -----------------------------------------------------------------------------------------------

BLOCK: dict[str, Any] = {
    "attributes": {
        "id": {"type": "string", "computed": True},
        "name": {"type": "string", "required": True},
        "uid": {"type": "string", "computed": True},
        "generation": {"type": "number", "computed": True},
        "on": {"type": "bool", "computed": True},
        "data": {"type": ["map", "string"], "computed": True},
        "data_json": {"type": "string", "computed": True},
        "list": {"type": ["list", "string"], "computed": True},
        "thing": {"type": ["object", {"a": "string", "b": ["list", "number"]}], "computed": True},
        "pair": {"type": ["tuple", ["string", "number"]], "computed": True},
        "nested": {"nested_type": {"nesting_mode": "map", "attributes": {"uid": {"type": "string"}}}},
    },
    "block_types": {
        "metadata": {"nesting_mode": "list", "block": {"attributes": {"uid": {"type": "string", "computed": True}}}},
        "status": {"nesting_mode": "single", "block": {"attributes": {}}},
    },
}


def test_stand_ins_are_of_their_types_and_stable() -> None:
    state = {**dict.fromkeys(BLOCK["attributes"], UNKNOWN), "name": "a", "nested": {"k": {"uid": UNKNOWN}}}
    state |= {"thing": {"a": UNKNOWN, "b": [1, UNKNOWN]}, "pair": [UNKNOWN, UNKNOWN]}
    state |= {"metadata": [{"name": "a", "uid": UNKNOWN}], "status": UNKNOWN}
    found = StandIns().resource(BLOCK, state)
    assert found == {
        "id": "a",
        "name": "a",
        "uid": "uid-of-a",
        "generation": 0,
        "on": False,
        "data": {},
        "data_json": "data_json-of-a",
        "list": [],
        "thing": {"a": "a-of-a", "b": [1, 0]},
        "pair": ["pair-of-a", 0],
        "nested": {"k": {"uid": "uid-of-a"}},
        "metadata": [{"name": "a", "uid": "uid-of-a"}],
        "status": None,
    }
    assert StandIns().resource(BLOCK, state) == found
    assert StandIns().resource(BLOCK, found) is found


def test_what_providers_take_for_a_number_or_an_element_is_one() -> None:
    block = {
        "attributes": {
            "id": {"type": "string", "computed": True},
            "name": {"type": "string"},
            "data": {"type": ["map", "string"], "computed": True},
            "found": {"type": ["list", ["object", {"id": "string"}]], "computed": True},
            "objects": {"type": "dynamic", "computed": True},
        }
    }
    requested = StandIns(Requested({"token": "value-of-token"}))
    resource = requested.resource(block, {**dict.fromkeys(block["attributes"], UNKNOWN), "name": "a"})
    assert resource["id"].isdigit()
    assert resource["id"] != requested.resource(block, {**resource, "name": "b", "id": UNKNOWN})["id"]
    assert resource["data"] == {"token": "value-of-token"}
    assert resource["found"] == []
    data = requested.data(block, {**dict.fromkeys(block["attributes"]), "name": "a"})
    assert data["found"] == [{"id": "a"}]
    assert data["objects"] == [b'["tuple",[]]', []]


def test_a_data_source_has_every_key_that_is_asked_for() -> None:
    requested = Requested({"password": "value-of-password"})
    found = StandIns(requested).data(BLOCK, {**dict.fromkeys(BLOCK["attributes"]), "name": "a", "metadata": []})
    assert found["data"] == {"password": "value-of-password"}
    assert found["thing"] == {"a": "a-of-a", "b": []}
    assert json.loads(found["data_json"]) == {"password": "value-of-password"}
    assert found["uid"] == "uid-of-a"
    assert found["metadata"] == []


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"metadata": [{"namespace": "n", "name": "a"}]}, "n/a"),
        ({"metadata": [{"namespace": None, "name": "a"}]}, "a"),
        ({"metadata": [], "name": "b"}, "b"),
        ({"mount": "secret"}, "secret"),
        ({"name": UNKNOWN}, "unnamed"),
        (None, "unnamed"),
    ],
)
def test_identity(state: Any, expected: str) -> None:
    assert identity(state) == expected


# --- manifests -----------------------------------------------------------------------------------------------


def secret(**changes: Any) -> dict[str, Any]:
    metadata = {"name": "a", "namespace": "n", **changes.pop("metadata", {})}
    return {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": metadata, **changes}


@pytest.mark.parametrize(
    ("change", "replaced_by"),
    [
        ({"spec": 1}, ()),
        ({"metadata": {"labels": {}}}, ()),
        ({"apiVersion": "external-secrets.io/v2"}, (("manifest", "apiVersion"),)),
        ({"kind": "PushSecret"}, (("manifest", "kind"),)),
        ({"metadata": {"name": "b"}}, (("manifest", "metadata", "name"),)),
        ({"metadata": {"namespace": "m"}}, (("manifest", "metadata", "namespace"),)),
        ({"metadata": {"name": UNKNOWN}}, (("manifest", "metadata", "name"),)),
    ],
)
def test_the_identity_of_a_manifest_replaces_it(change: dict[str, Any], replaced_by: tuple[Any, ...]) -> None:
    dynamic = '["object",{}]'
    prior = {"manifest": [dynamic, secret()], "object": [dynamic, secret()]}
    wanted = {"manifest": [dynamic, secret(**change)], "object": prior["object"]}
    found = PLANS["kubernetes_manifest"](Planned(wanted), prior)
    assert found.replaced_by == replaced_by
    assert found.state["object"] == wanted["manifest"]


def test_a_manifest_as_it_was_has_no_change() -> None:
    prior = {"manifest": secret(), "object": {**secret(), "status": "of the cluster"}}
    assert PLANS["kubernetes_manifest"](Planned({"manifest": secret(), "object": UNKNOWN}), prior).state == prior
    created = PLANS["kubernetes_manifest"](Planned({"manifest": secret(), "object": UNKNOWN}), None)
    assert created.state["object"] == secret()


KUBECTL = ("api_version", "kind", "name", "namespace", "yaml_body_parsed")


def test_what_is_secret_in_a_text_of_yaml_is_hidden_where_it_is_shown() -> None:
    body = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {key: hidden}\nmore: {deep: hidden}\n"
    none = {"yaml_body": body, **dict.fromkeys(KUBECTL, UNKNOWN)}
    shown = PLANS["kubectl_manifest"](Planned(none), None).state["yaml_body_parsed"]
    assert yaml.safe_load(shown)["data"] == "(sensitive value)"
    assert yaml.safe_load(shown)["more"] == {"deep": "hidden"}
    fields = {**none, "sensitive_fields": ["data.key", "more.deep", "not.there"]}
    assert "hidden" not in PLANS["kubectl_manifest"](Planned(fields), None).state["yaml_body_parsed"]


@pytest.mark.parametrize(
    ("change", "replaced_by"),
    [
        ({"spec": 1}, ()),
        ({"apiVersion": "v2"}, (("api_version",),)),
        ({"kind": "Other"}, (("kind",),)),
        ({"metadata": {"name": "b"}}, (("name",),)),
        ({"metadata": {"namespace": None}}, (("namespace",),)),
    ],
)
def test_the_identity_of_a_text_of_yaml_replaces_it(change: dict[str, Any], replaced_by: tuple[Any, ...]) -> None:
    none = dict.fromkeys(KUBECTL, UNKNOWN)
    prior = PLANS["kubectl_manifest"](Planned({"yaml_body": yaml.safe_dump(secret()), **none}), None).state
    assert [prior[name] for name in KUBECTL[:4]] == ["external-secrets.io/v1", "ExternalSecret", "a", "n"]
    same_text = PLANS["kubectl_manifest"](Planned(dict(prior)), prior)
    assert same_text == Planned(prior)
    found = PLANS["kubectl_manifest"](Planned({**prior, "yaml_body": yaml.safe_dump(secret(**change))}), prior)
    assert found.replaced_by == replaced_by


@pytest.mark.parametrize("body", [UNKNOWN, None, "{", "- a", "a\n---\nb", ""])
def test_a_text_that_is_no_object_is_left_to_the_schema(body: Any) -> None:
    planned = Planned({"yaml_body": body, **dict.fromkeys(KUBECTL, UNKNOWN)})
    assert PLANS["kubectl_manifest"](planned, None) == planned
