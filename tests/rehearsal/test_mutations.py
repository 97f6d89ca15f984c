"""Random single changes to golden stacks: the rehearsal reports each, where it is, and never that nothing changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from generator.rehearsal import Rehearsal, Rehearsals
from tests.full import few

from .mutations import Mutation, literals, mutations, without_effect
from .stacks import GOLDEN

CASES = sorted(path.parent.name for path in GOLDEN.glob("*/stack") if not (path.parent / "platform.yml").is_file())
SEEDS = 20
EACH = 10
"""Changes of a seed: 200 in all."""


@pytest.fixture(scope="module")
def rehearsals() -> Iterator[Rehearsals]:
    found = Rehearsals()
    yield found
    found.close()


def verdict(mutation: Mutation, found: Rehearsal) -> str:
    """What the rehearsal says of a change: that it is seen, has no effect, or is refused at its place; or a miss."""
    address = mutation.literal.address
    if found.refused:
        modules = ("modules/", mutation.literal.file)
        return (
            "refused" if all(item.place.startswith(modules) for item in found.refused) else f"refused: {found.refused}"
        )
    if not found.changes:
        return without_effect(mutation) or "missed"
    addresses = [change.address for change in found.changes] + [change.previous for change in found.changes]
    seen = not address or any(one == address or one.startswith((f"{address}.", f"{address}[")) for one in addresses)
    return "seen" if seen else f"elsewhere: {addresses}"


@pytest.mark.parametrize("seed", few(2, range(1, SEEDS + 1)))
def test_every_change_is_reported_where_it_is(seed: int, rehearsals: Rehearsals) -> None:
    verdicts = {
        str(mutation): verdict(
            mutation, rehearsals.rehearse(f"stacks/{mutation.case}", mutation.before, mutation.after)
        )
        for mutation in mutations(seed, EACH, CASES)
    }
    wrong = {name: said for name, said in verdicts.items() if said not in ("seen", "refused", "ignored", "unused")}
    assert not wrong
    assert Counter(verdicts.values())["seen"] >= len(verdicts) / 2


def test_changes_are_of_every_kind() -> None:
    """The generator reaches what a person changes: images, sizes, ports, labels, variables, probes and schedules."""
    found = {literal.path for case in CASES for literal in literals(case)}
    for part in ("image", "limits", "container_port", "match_labels", "env[0].value", "probe", "schedule", "namespace"):
        assert any(part in path for path in found), part
    assert len(found) > 200
