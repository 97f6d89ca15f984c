"""What `make bench` measures a create with: it stands between newservice's own parts, and has to fit them."""

from __future__ import annotations

import os

import pytest

from tests import speed
from tests.test_onboarding import ALL_STEPS
from tests.world import World


def test_a_create_is_taken_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", str(world.sandbox.profile))
    monkeypatch.setenv("CLONE", str(world.sandbox.infra))
    monkeypatch.chdir(world.folder)
    taken = speed.create("measured", at_once=False)
    assert {name for name in taken.parts if not name.startswith("look at ")} == set(ALL_STEPS)
    assert 0 < taken.critical <= taken.total
    assert os.listdir(world.folder / "measured")
