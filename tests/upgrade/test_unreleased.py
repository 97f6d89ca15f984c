"""An installed template that is not released yet: what it made is known, and no update goes to it by itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from packaging.version import Version

from generator.base.errors import RefusedError
from generator.fleet.findings import Place, State
from generator.fleet.memory import Memory
from generator.fleet.tree_status import recorded_only, stand
from generator.lifecycle.update import Upgrader
from generator.template.amendment import Amendment
from generator.template.releases import FOLDER, Releases
from tests.answers import SMALLEST, TEMPLATE
from tests.upgrade.services import FIRST, Files, Origin, platform_of

INSTALLED = Version(TEMPLATE.version)
PREFIX = f"stacks/{SMALLEST['name']}/"


@pytest.fixture
def earlier(tmp_path: Path) -> Releases:
    """The releases up to the installed template, which is not among them."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "released"))
    lines = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    kept = [line for line in lines if Version(line["version"]) < INSTALLED]
    (folder / "index.json").write_text(json.dumps(kept), encoding="utf-8")
    return Releases(folder)


@pytest.fixture
def upgrader(earlier: Releases) -> Upgrader:
    return Upgrader(earlier, platform_of(None))


def tree(releases: Releases, version: Version, changed: str = "") -> Files:
    """A stack as a version made it, with a line more in one of its files."""
    made = dict(Origin("", SMALLEST, platform_of(None), releases, version).tree("stack").content)
    if changed:
        made[f"{PREFIX}main.tf"] += changed.encode()
    return Files(made)


def test_what_it_made_stands_at_the_newest_version(upgrader: Upgrader) -> None:
    releases = upgrader.releases
    assert (releases.unreleased, releases.newest < INSTALLED) == (INSTALLED, True)
    place = Place(SMALLEST["name"], "stack", "infra", PREFIX)
    made = tree(releases, INSTALLED)
    for finding in (stand(upgrader, place, made), recorded_only(upgrader, place, made)):
        assert (finding.state, finding.version, finding.to) == (State.CURRENT, str(INSTALLED), str(INSTALLED))
    assert stand(upgrader, place, tree(releases, INSTALLED, "# ours\n")).state is State.EDITED


def test_an_update_of_what_it_made_stays_at_it(upgrader: Upgrader) -> None:
    made = tree(upgrader.releases, INSTALLED)
    upgrade = upgrader.plan(made, PREFIX)
    assert (upgrade.to, upgrade.changes) == (str(INSTALLED), False)
    changed = upgrader.plan(made, PREFIX, amendment=Amendment({"title": "Other"}))
    assert (changed.to, changed.changes, changed.conflicts) == (str(INSTALLED), True, ())


def test_what_a_release_made_goes_to_the_newest_release_alone(upgrader: Upgrader) -> None:
    upgrade = upgrader.plan(tree(upgrader.releases, FIRST), PREFIX)
    assert upgrade.to == str(upgrader.releases.newest)


def test_a_version_that_nobody_here_has_stays_unknown(upgrader: Upgrader) -> None:
    made = dict(tree(upgrader.releases, INSTALLED).content)
    path = f"{PREFIX}.copier-answers.yml"
    made[path] = made[path].replace(f"v{INSTALLED}".encode(), b"v99.0.0")
    with pytest.raises(RefusedError) as caught:
        upgrader.plan(Files(made), PREFIX)
    assert caught.value.code == "template.newer"


def test_what_is_remembered_of_a_fleet_is_of_this_template(earlier: Releases) -> None:
    """It may change before it is released, and says the same version then."""
    assert earlier.standing(TEMPLATE).tree in Memory.load(earlier).basis
