"""What a person does after the merge of a change."""

from __future__ import annotations

from tests.answers import RICH
from tests.change.forge import change
from tests.world import World


def test_an_entry_that_nothing_applies_is_no_task(world: World) -> None:
    """Such as a line of the catalogue; while the onboarding is open, all entries come with the merge."""
    world.have(RICH)
    done = change(world, RICH["name"], "--memory", "512Mi")
    assert done.code == 0, done
    merging = done.result["checklist"]
    assert RICH["name"] in merging["pipeline"]
    tasks = [task["do"] for phase in ("before", "after") for task in merging[phase]]
    assert "apply" not in [line.strip() for line in tasks]
    (pull,) = world.infra.pulls.values()
    assert "`apply `" not in pull.body
