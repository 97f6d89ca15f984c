"""Commands that look at a service which an earlier version of the template made, and know it for what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.template.releases import Releases
from generator.template.template import Template
from tests.answers import RICH
from tests.full import full
from tests.upgrade.releases import Next, add_release, install
from tests.world import World


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Next:
    return add_release(tmp_path_factory.mktemp("template"))


@full
def test_a_service_of_an_earlier_version_is_whole_and_can_be_removed(
    world: World, added: Next, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are compared with what was made then, not with what would be made now."""
    releases = Releases()
    earlier = releases.template(releases.newest)
    with monkeypatch.context() as patched:
        patched.setattr(Template, "installed", lambda: earlier)
        assert world.run("create", RICH).code == 0
    install(monkeypatch, added)
    newest = Template(Path(added.repository))
    monkeypatch.setattr(Template, "installed", lambda: newest)
    place = ("--service-dir", str(world.folder / "city-guide"))
    completed = world.command("status", "city-guide", *place)
    assert completed.code == 0, completed.out
    assert completed.result["status"] == "unchanged", completed.out
    assert "edited since" not in completed.out
    saved = str(world.folder / "plan.json")
    assert world.command("plan", "city-guide", *place, "--out", saved).code == 0
    again = (["create", "city-guide", *place, "--yes"], ["apply", saved])
    for words in again:
        completed = world.command(*words)
        assert (completed.code, completed.result["status"]) == (0, "unchanged"), completed.out
        assert {item["action"] for item in completed.of("plan")[0]["files"]} == {"unchanged"}
    completed = world.command("remove", "city-guide", *place, "--yes")
    assert completed.code == 0, completed.out
    assert f"{world.platform.forgejo.owner}/city-guide" not in world.sandbox.forgejo.repositories
