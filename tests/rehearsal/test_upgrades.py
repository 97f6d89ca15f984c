"""Golden services through the template's versions: what Terraform would do, as the docs have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from generator.rehearsal import Rehearsals
from tests.full import few

from . import upgrades

FIRST = ("worker", "rich")


@pytest.fixture(scope="module")
def rehearsals() -> Iterator[Rehearsals]:
    found = Rehearsals()
    yield found
    found.close()


def test_the_docs_have_a_row_for_each_service() -> None:
    named = [line.split("`")[1] for line in upgrades.shown()[2:]]
    assert upgrades.shown()[:2] == upgrades.head()
    assert named == upgrades.cases()


@pytest.mark.parametrize("case", few(2, [*FIRST, *(set(upgrades.cases()) - {*FIRST})]))
def test_a_service_goes_through_the_versions_as_the_docs_say(case: str, rehearsals: Rehearsals) -> None:
    found = upgrades.steps(case, rehearsals)
    assert not [step.refused for step in found if step.refused]
    assert upgrades.row(case, found) in upgrades.shown()
    lost = [change for step in found for change in step.lost]
    assert {(change.action, change.replaced_by) for change in lost} <= {("replace", ("manifest.apiVersion",))}
    assert all("Secret" in change.effect for change in lost)
    assert not lost or found[0].lost, "only the step from version 1 replaces anything that holds state"
    assert all(not step.lost for step in found[1:])
