"""An update from a version without the question hardening changes nothing that runs, and says what can be had."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.version import Version

from generator.base.errors import AnswersError
from generator.lifecycle.update import Upgrade, Upgrader
from generator.template.amendment import Amendment
from generator.template.answers import resolve
from generator.template.releases import Releases
from generator.template.template import Template
from tests.answers import QUESTIONS, SMALLEST, TEMPLATE
from tests.full import few
from tests.upgrade.services import Origin, golden

RELEASES = Releases()
BEFORE = [release.version for release in RELEASES.all if "hardening" not in RELEASES.template(release.version).config]
ALL = {"read_only_root": True, "non_root": True, "drop_capabilities": True, "seccomp": True}
NOTE = "hardening is off, so that nothing that runs is changed"


def updated(origin: Origin, **given: Any) -> Upgrade:
    upgrader = Upgrader(RELEASES, origin.platform)
    tree, amendment = origin.tree("stack"), Amendment(given or {})
    return upgrader.plan(tree, origin.prefix("stack"), template=Template.installed(), amendment=amendment)


def texts(upgrade: Upgrade) -> str:
    return "".join(item.wanted.content.decode() for item in upgrade.files if item.wanted and item.path.endswith(".tf"))


@pytest.mark.parametrize("version", few(1, BEFORE), ids=str)
def test_an_update_records_that_it_is_off(version: Version) -> None:
    for origin in golden(version=version):
        upgrade = updated(origin)
        assert upgrade.answers.values["hardening"] == {}, str(origin)
        assert "read_only_root_filesystem" not in texts(upgrade), str(origin)
        answers = upgrade.answers
        offered = answers.owned and answers.context["language"] != "none"
        assert [note for note in upgrade.notes if note.startswith(NOTE)] != [] or not offered, str(origin)


@pytest.mark.parametrize("version", BEFORE, ids=str)
def test_an_update_switches_it_on_where_that_is_answered(version: Version) -> None:
    (origin,) = [origin for origin in golden(version=version) if origin.title.startswith("smallest ")]
    upgrade = updated(origin, hardening=ALL)
    assert upgrade.answers.values["hardening"] == ALL
    assert "read_only_root_filesystem  = true" in texts(upgrade)
    assert not [note for note in upgrade.notes if note.startswith(NOTE)]


def recorded(**more: Any) -> dict[str, Any]:
    """An answers file of a version that has the question."""
    return {**SMALLEST, "names": {}, "hardening": ALL, **more}


def test_a_recorded_answer_stays() -> None:
    answers = resolve(TEMPLATE, QUESTIONS, {}, recorded=recorded())
    assert (answers.context["hardening"], [note for note in answers.notes if "hardening" in note]) == (ALL, [])
    off = resolve(TEMPLATE, QUESTIONS, {}, recorded=recorded(hardening={}))
    assert (off.context["hardening"], [note for note in off.notes if "hardening" in note]) == ({}, [])


def test_a_change_never_switches_it_off_by_itself() -> None:
    """Another answer that does not go with it is refused, with the one that was recorded."""
    with pytest.raises(AnswersError) as caught:
        resolve(TEMPLATE, QUESTIONS, {"run_as": {"uid": 0}}, recorded=recorded())
    assert [problem.question for problem in caught.value.problems] == ["hardening"]
