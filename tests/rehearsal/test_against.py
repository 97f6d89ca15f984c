"""A rehearsal beside the pipeline's plan: plans that real Terraform made, and files that are none."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.base.errors import UsageError
from generator.rehearsal import AttributeChange, Rehearsal, Rehearsals, ResourceChange
from generator.rehearsal.against import Disagreement, compare, read_real_plan
from generator.rehearsal.changes import UNKNOWN
from generator.rehearsal.layout import lay_out
from generator.rehearsal.terraform import Terraform

from .stacks import Tree, golden

STACK = "stacks/rich"
DEPLOYMENT, SECRET = "kubernetes_deployment.city_guide", "kubernetes_manifest.external_secret"
FORMAT = {"format_version": "1.2", "planned_values": {}}


@pytest.fixture(scope="module")
def rehearsals() -> Iterator[Rehearsals]:
    found = Rehearsals()
    yield found
    found.close()


@pytest.fixture(scope="module")
def real() -> Iterator[Terraform]:
    found = Terraform(lay_out(golden("rich"), STACK).providers)
    yield found
    found.close()


def wanted() -> Tree:
    tree = golden("rich").changed("stacks/rich/deployment.tf", "replicas = 1", "replicas = 2")
    return tree.changed("stacks/rich/deployment.tf", "fs_group = 1000", "fs_group = 1001")


def planned(real: Terraform, after: Tree) -> dict[str, Any]:
    """The plan of a stack that is applied, as ``terraform show -json`` has it."""
    found = real.run(lay_out(golden("rich"), STACK), lay_out(after, STACK))
    return {**FORMAT, **found["plan"]}


def test_a_plan_that_says_the_same_has_no_disagreement(rehearsals: Rehearsals, real: Terraform, tmp_path: Path) -> None:
    found = rehearsals.rehearse(STACK, golden("rich"), wanted())
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(planned(real, wanted())), encoding="utf-8")
    assert found.changes
    assert compare(found, read_real_plan(file)) == ()


def test_disagreements_have_their_address_actions_and_attributes(rehearsals: Rehearsals, real: Terraform) -> None:
    found = rehearsals.rehearse(STACK, golden("rich"), wanted())
    text = golden("rich").content["stacks/rich/secrets.tf"].decode().replace("external-secrets.io/v1", "new/v1", 1)
    other = golden("rich").changed("stacks/rich/deployment.tf", "replicas = 1", "replicas = 2")
    plan = planned(real, other.having({"stacks/rich/secrets.tf": text}))
    one, two = compare(found, plan)
    fs_group = "spec.template.spec.security_context.fs_group"
    assert one == Disagreement(DEPLOYMENT, "update", "update", only_ours=(fs_group,))
    assert str(one) == f"{DEPLOYMENT}: update in both, only rehearsed: {fs_group}"
    assert two == Disagreement(SECRET, "nothing", "replace")
    assert str(two) == f"{SECRET}: rehearsed nothing, planned replace"
    assert [item.as_document() for item in (one, two)] == [
        {"address": DEPLOYMENT, "ours": "update", "theirs": "update", "only_ours": [fs_group]},
        {"address": SECRET, "ours": "nothing", "theirs": "replace"},
    ]


def test_what_is_known_after_apply_is_no_disagreement(real: Terraform) -> None:
    plan = planned(real, wanted())
    more = copy.deepcopy(plan)
    for item in more["resource_changes"]:
        if item["address"] == DEPLOYMENT:
            item["change"]["after_unknown"]["metadata"] = [{"generation": True}]
    ours = Rehearsal(
        STACK,
        (
            ResourceChange(
                DEPLOYMENT,
                "kubernetes_deployment",
                "update",
                (
                    AttributeChange("spec.replicas", "1", "2"),
                    AttributeChange("spec.template.spec.security_context.fs_group", "1", "2"),
                    AttributeChange("wait", None, UNKNOWN),
                ),
            ),
            ResourceChange("a.b", "a", "update", (AttributeChange("x", "1", UNKNOWN),)),
        ),
    )
    assert compare(ours, more) == ()


def test_a_stack_that_was_not_rehearsed_agrees_with_no_plan() -> None:
    (found,) = compare(Rehearsal(STACK, unrecorded=("a_b",)), FORMAT)
    assert found == Disagreement(STACK, "not possible", "planned")
    assert compare(Rehearsal(STACK), FORMAT) == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04 a plan's own file", "is not JSON"),
        (b"", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "no plan of Terraform's"),
        (b'{"resource_changes": []}', "no plan of Terraform's"),
        (b'{"format_version": "1.0", "values": {}}', "such as a state"),
        (b'{"format_version": "1.2", "planned_values": {}, "resource_changes": [1]}', "no plan"),
        (b'{"format_version": "1.2", "planned_values": {}, "resource_changes": [{"address": "a"}]}', "no plan"),
        (b'{"format_version": "1.2", "planned_values": {}, "errored": true}', "failed"),
        (b'{"@level": "info"}\n{"@level": "info"}', "is not JSON"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=words) as refused:
        read_real_plan(file)
    assert refused.value.code == "rehearsal.plan"
    assert str(file) in refused.value.message
    assert refused.value.hint


def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match="can't be read"):
            read_real_plan(place)
