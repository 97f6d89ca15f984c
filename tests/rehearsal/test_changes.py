"""Plans as ``terraform show -json`` has them, and the changes that are read of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.rehearsal.changes import SENSITIVE, UNKNOWN, AttributeChange, ResourceChange, meaning, read_plan
from generator.rehearsal.provider.records import SCHEMAS

HIDDEN = "the-hidden-value"
MASK = {"name": True, "value": True}


def item(*actions: str, kind: str = "some_thing", **more: Any) -> dict[str, Any]:
    top: dict[str, Any] = {name: more.pop(name) for name in ("previous_address", "mode", "address") if name in more}
    change: dict[str, Any] = {"actions": list(actions), "before": None, "after": None, **more}
    found: dict[str, Any] = {"address": f"{kind}.a", "mode": "managed", "type": kind, "change": change}
    return found | top


def read(found: dict[str, Any]) -> ResourceChange | None:
    changes = read_plan({"resource_changes": [found]})
    assert len(changes) <= 1
    return changes[0] if changes else None


def attributes(before: Any, after: Any, **more: Any) -> list[tuple[str, str | None, str | None]]:
    change = read(item("update", before=before, after=after, **more))
    assert change is not None
    return [(one.path, one.before, one.after) for one in change.attributes]


def named(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, "value": f"of {name}", **more} for name in names]


# --- actions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "more", "action"),
    [
        (["create"], {}, "create"),
        (["update"], {}, "update"),
        (["delete"], {}, "delete"),
        (["delete", "create"], {}, "replace"),
        (["create", "delete"], {}, "replace"),
        (["create", "forget"], {}, "replace"),
        (["forget"], {}, "forget"),
        (["no-op"], {}, None),
        (["read"], {}, None),
        (["no-op"], {"previous_address": "some_thing.b"}, "move"),
        (["update"], {"previous_address": "some_thing.b"}, "update"),
        (["no-op"], {"importing": {"id": "1"}}, "import"),
        (["update"], {"importing": {"id": "1"}}, "import"),
        (["delete", "create"], {"importing": {"id": "1"}}, "replace"),
        (["create"], {"mode": "data"}, None),
    ],
)
def test_an_action(actions: list[str], more: dict[str, Any], action: str | None) -> None:
    found = read(item(*actions, before={"a": 1}, after={"a": 1}, **more))
    assert (found.action if found else None) == action
    if found:
        assert found.previous == more.get("previous_address", "")


def test_changes_stand_by_address_and_a_plan_without_any_has_none() -> None:
    plan = {"resource_changes": [item("create", address=name) for name in ("b", "a", "c")]}
    assert [change.address for change in read_plan(plan)] == ["a", "b", "c"]
    assert read_plan({}) == ()


# --- attributes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("a", "1", "2")]),
        ({"a": "x"}, {"a": None}, [("a", '"x"', None)]),
        ({"a": None}, {"a": "x"}, [("a", None, '"x"')]),
        ({"a": False}, {"a": None}, [("a", "false", None)]),
        ({"a": None}, {"a": []}, []),
        ({"a": None}, {"a": {}}, []),
        ({}, {"a": [1]}, [("a", None, "1")]),
        ({"a": "1\n2"}, {"a": "1\n2\n3"}, [("a", "a text of 2 lines", "a text of 3 lines")]),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, [("a.b.c", "1", "2")]),
        ({"a": {"x/y": "1"}}, {"a": {"x/y": "2"}}, [('a["x/y"]', '"1"', '"2"')]),
        ({"a": {"b": 1}}, {"a": {}}, [("a.b", "1", None)]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [("a.b", "1", "2")]),
        ({"a": [{"b": 1}]}, {"a": []}, [("a", '{"b": 1}', None)]),
        ({"a": ["x", "y"]}, {"a": ["x", "z"]}, [("a[1]", '"y"', '"z"')]),
        ({"a": ["x"]}, {"a": ["x", "z"]}, [("a[1]", None, '"z"')]),
        ({"e": named("A", "B")}, {"e": named("B")}, [('e["A"]', '{"name": "A", "value": "of A"}', None)]),
        ({"e": named("A", "B")}, {"e": named("B", "A")}, [("e", "in another order", "B, A")]),
        (
            {"e": [*named("A"), {"name": "B", "value": "1"}]},
            {"e": [*named("A"), {"name": "B", "value": "2"}]},
            [('e["B"].value', '"1"', '"2"')],
        ),
        (
            {"e": named("A", "A")},
            {"e": named("A", "B")},
            [("e[1].name", '"A"', '"B"'), ("e[1].value", '"of A"', '"of B"')],
        ),
        ({"a": "x" * 99 + "1"}, {"a": "x" * 99 + "2"}, [("a", '"' + "x" * 58 + "…", '"' + "x" * 58 + "…")]),
        ({"a": [1]}, {"a": "1"}, [("a", "[1]", '"1"')]),
    ],
)
def test_attributes_have_their_paths(before: Any, after: Any, expected: list[Any]) -> None:
    assert attributes(before, after) == expected


def test_what_is_unknown_is_known_after_apply() -> None:
    before = {"a": "1", "m": [{"uid": "u", "name": "n"}], "l": ["x", "y"]}
    after = {"m": [{"name": "n"}], "l": ["x", None]}
    unknown = {"a": True, "m": [{"uid": True, "new": True}], "l": [False, True], "other": True}
    assert attributes(before, after, after_unknown=unknown) == [
        ("a", '"1"', UNKNOWN),
        ("m.uid", '"u"', UNKNOWN),
        ("m.new", None, UNKNOWN),
        ("l[1]", '"y"', UNKNOWN),
        ("other", None, UNKNOWN),
    ]


def test_masks_that_hide_nothing_hide_nothing() -> None:
    masks = {"before_sensitive": {"a": [{}]}, "after_sensitive": {"a": [{"b": False}]}, "after_unknown": {"a": [{}]}}
    assert attributes({"a": []}, {"a": [{"b": 1}]}, **masks) == [("a", None, '{"b": 1}')]


def test_an_object_of_the_cluster_is_not_shown_beside_its_manifest() -> None:
    before = {"manifest": {"spec": 1}, "object": {"spec": 1}}
    assert attributes(before, {"manifest": {"spec": 2}, "object": {"spec": 2}}) == [("manifest.spec", "1", "2")]


@pytest.mark.parametrize(
    ("before", "after", "masks"),
    [
        ({"a": HIDDEN}, {"a": "new"}, ({"a": True}, {})),
        ({"a": "old"}, {"a": HIDDEN}, ({}, {"a": True})),
        ({"a": {"b": HIDDEN}}, {"a": {"b": "x", "c": "y"}}, ({"a": True}, {"a": {}})),
        ({"a": {"b": HIDDEN, "c": 1}}, {"a": None}, ({"a": {"b": True}}, {})),
        ({"a": [HIDDEN, "x"]}, {"a": ["x"]}, ({"a": [True, False]}, {})),
        ({"a": None}, {"a": [{"b": {"c": HIDDEN}}]}, ({}, {"a": [{"b": {"c": True}}]})),
        ({"e": named(HIDDEN, "B")}, {"e": named("B", "C")}, ({"e": [MASK, {}]}, {"e": [{}, {}]})),
        ({"e": named("A", "B")}, {"e": named("B", HIDDEN)}, ({}, {"e": [{}, MASK]})),
        ({"e": named(HIDDEN, "B")}, {"e": named("B", HIDDEN)}, ({"e": [MASK, {}]}, {"e": [{}, MASK]})),
        ({"a": f"{HIDDEN}\nmore"}, {"a": "x"}, ({"a": True}, {"a": True})),
        ({HIDDEN[:3]: HIDDEN}, {HIDDEN[:3]: None}, (True, {})),
    ],
)
def test_a_hidden_value_is_never_shown(before: Any, after: Any, masks: tuple[Any, Any]) -> None:
    sensitive = {"before_sensitive": masks[0], "after_sensitive": masks[1]}
    paths = [["e", 0, "name"], ["e", 1, "value"], ["a"], ["a", 0]]
    for actions in (["update"], ["delete", "create"], ["create"], ["delete"]):
        found = read(item(*actions, before=before, after=after, replace_paths=paths, **sensitive))
        assert found is not None
        assert HIDDEN not in json.dumps(found.as_document())
        assert HIDDEN not in repr(found)
        if actions == ["update"]:
            assert SENSITIVE in json.dumps(found.as_document())


# --- what it means -------------------------------------------------------------------------------------------


def workload(image: str, replicas: int = 1) -> dict[str, Any]:
    pod = {"spec": [{"container": [{"name": "a", "image": image}, {"name": "b", "image": "b"}]}]}
    return {"metadata": [{"name": "n"}], "spec": [{"replicas": replicas, "template": [pod]}]}


@pytest.mark.parametrize("kind", ["kubernetes_deployment", "kubernetes_stateful_set_v1", "kubernetes_daemonset"])
def test_a_change_of_a_pod_restarts_it(kind: str) -> None:
    found = read(item("update", kind=kind, before=workload("1"), after=workload("2")))
    assert found is not None
    assert found.attributes == (AttributeChange('spec.template.spec.container["a"].image', '"1"', '"2"'),)
    assert found.restarts
    scaled = read(item("update", kind=kind, before=workload("1"), after=workload("1", 2)))
    assert scaled is not None
    assert not scaled.restarts
    replaced = read(item("delete", "create", kind=kind, before=workload("1"), after=workload("1", 2)))
    assert replaced is not None
    assert replaced.restarts


def test_a_job_by_the_clock_restarts_nothing() -> None:
    found = read(item("update", kind="kubernetes_cron_job", before=workload("1"), after=workload("2")))
    assert found is not None
    assert not found.restarts


def test_a_place_that_forces_a_replacement_is_named() -> None:
    path = ["spec", 0, "template", 0, "spec", 0, "container", 1, "image"]
    found = read(item("delete", "create", before=workload("1"), after=workload("2"), replace_paths=[path, ["x", 5]]))
    assert found is not None
    assert found.replaced_by == ('spec.template.spec.container["b"].image', "x[5]")


@pytest.mark.parametrize(
    ("kind", "state", "listed", "stateful"),
    [
        ("kubernetes_namespace", {}, (), True),
        ("kubernetes_persistent_volume_claim", {}, (), True),
        ("kubernetes_deployment", {}, (), False),
        ("kubernetes_manifest", {"manifest": {"kind": "ExternalSecret"}}, (), True),
        ("kubernetes_manifest", {"manifest": {"kind": "Middleware"}}, (), False),
        ("kubernetes_manifest", {"manifest": {"kind": "Middleware"}}, ("Middleware",), True),
        ("kubectl_manifest", {"kind": "Certificate"}, (), True),
        ("some_thing", {}, ("some_thing",), True),
        ("some_thing", {"manifest": None, "kind": 7}, (), False),
    ],
)
def test_what_holds_state(kind: str, state: dict[str, Any], listed: tuple[str, ...], stateful: bool) -> None:
    for actions in (["delete"], ["delete", "create"], ["create"], ["update"], ["forget"]):
        (found,) = read_plan({"resource_changes": [item(*actions, kind=kind, before=state, after=state)]}, listed)
        assert found.stateful is stateful
        assert found.loses is (stateful and "delete" in actions)


def test_what_follows_a_replacement_is_said() -> None:
    state = {"manifest": {"kind": "ExternalSecret"}}
    effects = {
        actions[0]: read(item(*actions, kind="kubernetes_manifest", before=state, after=state))
        for actions in (["delete", "create"], ["update"])
    }
    assert effects["delete"] is not None
    assert "Secret" in effects["delete"].effect
    assert effects["update"] is not None
    assert not effects["update"].effect


def test_a_document_has_what_applies_only() -> None:
    assert read(item("create")).as_document() == {  # type: ignore[union-attr]
        "address": "some_thing.a",
        "type": "some_thing",
        "action": "create",
    }
    full = ResourceChange(
        "a.b",
        "a",
        "replace",
        (AttributeChange("x", None, "1"),),
        ("x",),
        "a.c",
        restarts=True,
        stateful=True,
        effect="e",
    )
    assert json.loads(json.dumps(full.as_document())) == {
        "address": "a.b",
        "type": "a",
        "action": "replace",
        "attributes": [{"path": "x", "before": None, "after": "1"}],
        "replaced_by": ["x"],
        "previous_address": "a.c",
        "restarts": True,
        "stateful": True,
        "effect": "e",
    }


def test_places_of_pods_are_in_the_records() -> None:
    record = json.loads((SCHEMAS / "kubernetes.json").read_text(encoding="utf-8"))["resource_schemas"]
    known = yaml.safe_load((Path(SCHEMAS).parents[1] / "meaning.yml").read_text(encoding="utf-8"))
    assert meaning().pods == known["pods"]
    checked = 0
    for kind, place in meaning().pods.items():
        block = record.get(kind, {}).get("block")
        for step in place if block else ():
            if isinstance(step, str):
                block = block["block_types"][step]["block"]
                checked += 1
    assert checked >= 2
