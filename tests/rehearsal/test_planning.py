"""What the stand-in plans: tables of a schema, a state, a configuration, and what comes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generator.rehearsal.provider.planning import Planned, plan
from generator.rehearsal.provider.records import SCHEMAS
from generator.rehearsal.provider.stand_ins import StandIns
from generator.rehearsal.provider.values import UNKNOWN

BLOCK: dict[str, Any] = {
    "attributes": {
        "id": {"type": "string", "computed": True, "optional": True},
        "name": {"type": "string", "required": True, "force_new": True},
        "image": {"type": "string", "optional": True},
        "policy": {"type": "string", "optional": True, "default": "Always"},
        "zone": {"type": "string", "optional": True, "default": "here", "force_new": True},
        "labels": {"type": ["map", "string"], "optional": True},
        "modes": {"type": ["set", "string"], "optional": True, "force_new": True},
        "memory": {"type": "string", "optional": True, "suppress": "quantity", "force_new": True},
        "off": {"type": "bool", "optional": True},
    },
    "block_types": {
        "rule": {
            "nesting_mode": "list",
            "block": {
                "attributes": {
                    "path": {"type": "string", "optional": True, "force_new": True},
                    "kind": {"type": "string", "optional": True, "default": "prefix", "force_new": True},
                    "port": {"type": "number", "optional": True, "computed": True},
                }
            },
        },
        "peer": {
            "nesting_mode": "set",
            "block": {
                "attributes": {
                    "host": {"type": "string", "required": True, "force_new": True},
                    "kind": {"type": "string", "optional": True, "default": "tcp"},
                    "ip": {"type": "string", "computed": True},
                }
            },
        },
        "tag": {
            "nesting_mode": "map",
            "block": {"attributes": {"value": {"type": "string", "optional": True, "force_new": True}}},
        },
        "limit": {
            "nesting_mode": "list",
            "kept": True,
            "block": {"attributes": {"size": {"type": "string", "optional": True}}},
        },
        "only": {
            "nesting_mode": "single",
            "block": {"attributes": {"size": {"type": "string", "optional": True, "force_new": True}}},
        },
    },
}
NONE: dict[str, Any] = {
    **dict.fromkeys(BLOCK["attributes"]),
    "rule": [],
    "peer": [],
    "tag": {},
    "limit": [],
    "only": None,
    "name": "a",
}
RULE, PEER = {"path": None, "kind": None, "port": None}, {"host": "h", "kind": None, "ip": None}


def applied(**given: Any) -> dict[str, Any]:
    """The state after a configuration was applied: what is computed has a value."""

    def known(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: known(item) for name, item in value.items()}
        return [known(item) for item in value] if isinstance(value, list) else "known" if value is UNKNOWN else value

    state = known(plan(BLOCK, None, {**NONE, **given}, {**NONE, **given}).state)
    assert isinstance(state, dict)
    return state


def planned(prior: dict[str, Any], **given: Any) -> Planned:
    """The plan of a configuration; what it proposes has the values that were computed before."""
    config = {**NONE, **given}
    kept = {"id": prior["id"]} if config["id"] is None else {}
    rules = [
        {**item, "port": before["port"] if item["port"] is None else item["port"]}
        for item, before in zip(config["rule"], prior["rule"], strict=False)
    ] + config["rule"][len(prior["rule"]) :]
    return plan(BLOCK, prior, {**config, **kept, "rule": rules}, config)


def test_what_is_created_has_defaults_and_computes_the_rest() -> None:
    found = plan(BLOCK, None, {**NONE, "rule": [RULE], "peer": [PEER]}, {**NONE, "rule": [RULE], "peer": [PEER]})
    assert found.replaced_by == ()
    assert (found.state["policy"], found.state["zone"], found.state["id"]) == ("Always", "here", UNKNOWN)
    assert found.state["rule"] == [{"path": None, "kind": "prefix", "port": UNKNOWN}]
    assert found.state["peer"] == [{"host": "h", "kind": "tcp", "ip": UNKNOWN}]
    assert found.state["image"] is None


def test_what_is_destroyed_has_no_state() -> None:
    assert plan(BLOCK, applied(), None, None) == Planned(None)


def unordered(state: dict[str, Any]) -> dict[str, Any]:
    """A state whose set has one order: Terraform's."""
    return {**state, "peer": sorted(state["peer"], key=str)}


FULL: dict[str, Any] = {
    "image": "one",
    "labels": {"a": "b"},
    "modes": ["rw"],
    "memory": "1Gi",
    "rule": [{**RULE, "path": "/"}, {**RULE, "path": "/b", "port": 8}],
    "peer": [PEER, {**PEER, "host": "i", "kind": "udp"}],
    "tag": {"x": {"value": "1"}},
    "only": {"size": "1"},
}


def test_what_was_applied_is_planned_without_a_change() -> None:
    state = applied(**FULL)
    assert planned(state, **FULL) == Planned(state)


@pytest.mark.parametrize(
    ("change", "changed", "replaced_by"),
    [
        ({"image": "two"}, True, ()),
        ({"image": None}, True, ()),
        ({"image": UNKNOWN}, True, ()),
        ({"name": "b"}, True, (("name",),)),
        ({"name": UNKNOWN}, True, (("name",),)),
        ({"policy": "Never"}, True, ()),
        ({"policy": "Always"}, False, ()),
        ({"zone": "there"}, True, (("zone",),)),
        ({"zone": "here"}, False, ()),
        ({"labels": {"a": "c"}}, True, ()),
        ({"modes": ["rw", "ro"]}, True, (("modes",),)),
        ({"modes": None}, True, (("modes",),)),
        ({"memory": "1024Mi"}, False, ()),
        ({"memory": "2Gi"}, True, (("memory",),)),
        ({"memory": None}, True, (("memory",),)),
        ({"memory": UNKNOWN}, True, (("memory",),)),
        ({"rule": [{**RULE, "path": "/c"}, FULL["rule"][1]]}, True, (("rule", 0, "path"),)),
        ({"rule": [{**RULE, "path": "/", "port": 9}, FULL["rule"][1]]}, True, ()),
        ({"rule": [{**RULE, "path": "/", "kind": "exact"}, FULL["rule"][1]]}, True, (("rule", 0, "kind"),)),
        ({"rule": FULL["rule"][:1]}, True, (("rule",),)),
        ({"rule": [*FULL["rule"], {**RULE, "port": 1}]}, True, (("rule", 2, "kind"),)),
        ({"peer": [FULL["peer"][1], PEER]}, False, ()),
        ({"peer": [{**PEER, "kind": "tcp"}, FULL["peer"][1]]}, False, ()),
        ({"peer": [PEER]}, True, (("peer",),)),
        ({"peer": [*FULL["peer"], {**PEER, "host": "j"}]}, True, (("peer",),)),
        ({"tag": {"x": {"value": "2"}}}, True, (("tag", "x", "value"),)),
        ({"tag": {}}, True, (("tag",),)),
        ({"only": {"size": "2"}}, True, (("only", "size"),)),
        ({"only": None}, True, (("only",),)),
    ],
)
def test_a_change_of_one_thing(change: dict[str, Any], changed: bool, replaced_by: tuple[Any, ...]) -> None:
    state = applied(**FULL)
    found = planned(state, **{**FULL, **change})
    assert (unordered(found.state) != unordered(state)) is changed
    assert found.replaced_by == replaced_by


@pytest.mark.parametrize(
    ("name", "values"), [("image", (None, "")), ("labels", (None, {})), ("modes", (None, [])), ("off", (None, False))]
)
def test_none_and_an_empty_one_are_the_same(name: str, values: tuple[Any, Any]) -> None:
    for before, after in (values, values[::-1]):
        state = applied(**{name: before})
        assert planned(state, **{name: after}) == Planned(state)


def test_false_for_true_is_a_change() -> None:
    assert planned(applied(off=True), off=False).state["off"] is False


def test_what_the_server_added_stays_where_nothing_is_asked_for() -> None:
    state = {**applied(), "limit": [{"size": "9"}]}
    assert planned(state).state["limit"] == [{"size": "9"}]
    assert planned(state, limit=[{"size": "1"}]).state["limit"] == [{"size": "1"}]


def test_elements_that_hold_only_defaults_go_without_a_replacement() -> None:
    assert planned(applied(rule=[RULE])).replaced_by == ()


def test_what_is_computed_for_an_element_of_a_set_is_kept_with_it() -> None:
    state = applied(peer=[PEER])
    assert state["peer"][0]["ip"] == "known"
    both = planned(state, peer=[{**PEER, "host": "new"}, PEER]).state["peer"]
    assert both == [{"host": "new", "kind": "tcp", "ip": None}, state["peer"][0]]


def test_attributes_with_attributes_are_planned_like_blocks() -> None:
    inner = {"nesting_mode": "list", "attributes": {"size": {"type": "string", "force_new": True, "default": "1"}}}
    block = {"attributes": {"disks": {"nested_type": inner, "optional": True}}}
    state = plan(block, None, {"disks": [{"size": None}]}, {"disks": [{"size": None}]}).state
    assert state == {"disks": [{"size": "1"}]}
    wanted = {"disks": [{"size": "2"}]}
    assert plan(block, state, wanted, wanted) == Planned(wanted, (("disks", 0, "size"),))


# --- by the plugin framework's rules -------------------------------------------------------------------------

FRAMEWORK: dict[str, Any] = {
    "attributes": {
        "id": {"type": "string", "computed": True, "use_state_for_unknown": True},
        "result": {"type": "string", "computed": True},
        "length": {"type": "number", "required": True, "force_new": True},
        "keepers": {"type": ["map", "string"], "optional": True, "force_new_if": "values_not_null"},
        "note": {"type": "string", "optional": True},
    }
}


@pytest.mark.parametrize(
    ("change", "renewed", "replaced_by"),
    [
        ({}, False, ()),
        ({"note": ""}, True, ()),
        ({"length": 9}, True, (("length",),)),
        ({"keepers": {"a": None}}, True, ()),
        ({"keepers": {"a": "b"}}, True, (("keepers",),)),
    ],
)
def test_a_change_makes_unknown_what_is_computed(change: Any, renewed: bool, replaced_by: tuple[Any, ...]) -> None:
    state = {"id": "i", "result": "r", "length": 8, "keepers": None, "note": None}
    config = {**state, "id": None, "result": None, **change}
    found = plan(FRAMEWORK, state, {**state, **change}, config, framework=True)
    assert found == Planned({**state, **change, **({"result": UNKNOWN} if renewed else {})}, replaced_by)


# --- what the records say ------------------------------------------------------------------------------------

KUBERNETES = json.loads((SCHEMAS / "kubernetes.json").read_text(encoding="utf-8"))["resource_schemas"]


def empty(block: Any) -> dict[str, Any]:
    """A configuration without anything."""
    none: dict[str, Any] = {"list": [], "set": [], "map": {}}
    blocks = {name: none.get(nested["nesting_mode"]) for name, nested in block.get("block_types", {}).items()}
    return {**dict.fromkeys(block.get("attributes", {})), **blocks}


def filled(block: Any, given: dict[str, Any]) -> dict[str, Any]:
    """A configuration with what is given."""
    found = empty(block)
    for name, value in given.items():
        nested = block.get("block_types", {}).get(name)
        found[name] = [filled(nested["block"], item) for item in value] if nested else value
    return found


def claim(**changes: Any) -> dict[str, Any]:
    spec = {"access_modes": ["ReadWriteOnce"], "resources": [{"requests": {"storage": "2Gi"}}], **changes}
    given = {"metadata": [{"name": "a", "namespace": "n"}], "spec": [spec]}
    return filled(KUBERNETES["kubernetes_persistent_volume_claim"]["block"], given)


@pytest.mark.parametrize(
    ("changes", "changed", "replaced_by"),
    [
        ({}, False, ()),
        ({"resources": [{"requests": {"storage": "2048Mi"}}]}, False, ()),
        ({"resources": [{"requests": {"storage": "3Gi"}}]}, True, ()),
        ({"resources": [{"requests": {"storage": "1Gi"}}]}, True, (("spec", 0, "resources", 0, "requests"),)),
        ({"access_modes": ["ReadWriteMany"]}, True, (("spec", 0, "access_modes"),)),
        ({"storage_class_name": "nfs"}, True, (("spec", 0, "storage_class_name"),)),
    ],
)
def test_a_claim_grows_in_place_and_is_replaced_otherwise(changes: Any, changed: bool, replaced_by: Any) -> None:
    block = KUBERNETES["kubernetes_persistent_volume_claim"]["block"]
    state = StandIns().resource(block, plan(block, None, claim(), claim()).state)
    wanted = claim(**changes)
    proposed = {**wanted, "id": state["id"], "metadata": state["metadata"]}
    for name in ("storage_class_name", "volume_mode", "volume_name"):
        if proposed["spec"][0][name] is None:
            proposed["spec"][0] = {**proposed["spec"][0], name: state["spec"][0][name]}
    found = plan(block, state, proposed, wanted)
    assert (found.state != state) is changed
    assert found.replaced_by == replaced_by
