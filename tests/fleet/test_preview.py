"""``templates preview``: the blast radius of a template that is not released."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from generator.template.template import Template
from tests.fleet.conftest import Yard
from tests.upgrade.releases import append


@pytest.fixture
def template(yard: Yard, tmp_path: Path) -> Path:
    """The newest release, unpacked, to be changed."""
    releases = yard.next.releases
    folder = tmp_path / "template"
    shutil.copytree(releases.template(releases.newest).root, folder)
    config = folder / "copier.yml"
    config.write_text(config.read_text().replace('default: "9.1.0"', 'default: "9.2.0"'))
    return folder


def test_clean_changed_conflict_and_broken(yard: Yard, template: Path) -> None:
    clean, changed, conflict, broken = yard.made.names[:4]
    grunt = yard.path(conflict, "terragrunt.hcl")
    yard.commit({grunt: yard.file(grunt).rstrip("\n") + "\n\n# our own last line\n"})
    before = yard.bare.references()
    append(
        template / "templates" / "stack" / "main.tf.jinja",
        f"[% if name == '{changed}' %]# new\n[% endif %][% if name == '{broken}' %][[ nobody.knows ]][% endif %]",
    )
    completed = yard.fleet_template("preview", "--template", str(template))
    states = yard.states(completed)
    assert (states[conflict], states[broken]) == ("conflict", "broken")
    assert yard.path(changed, "main.tf") in [file["path"] for file in yard.one(completed, changed)["files"]]
    assert yard.path(clean, "main.tf") not in [file["path"] for file in yard.one(completed, clean)["files"]]
    assert "nobody" in yard.one(completed, broken)["message"]
    assert completed.code == 5
    assert (yard.bare.references(), yard.world.infra.pulls) == (before, {})


def test_the_template_as_it_is_changes_nothing(yard: Yard, tmp_path: Path) -> None:
    first = yard.next.releases.template(yard.next.releases.find("1.0.0"))
    completed = yard.fleet_template("preview", "--template", str(first.root))
    assert (completed.code, set(yard.states(completed).values())) == (0, {"clean"})


def test_no_template(yard: Yard, tmp_path: Path) -> None:
    assert yard.fleet_template("preview", "--template", str(tmp_path)).code == 2
    assert Template.installed().root != tmp_path
