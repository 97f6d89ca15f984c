"""An update of a service that no longer fits asks, and one that fits keeps its size, its monitors and its share."""

from __future__ import annotations

import re
from typing import Any

import pytest
from packaging.version import Version

from generator.base.errors import AnswersError
from generator.engine.recorded import Recorded
from generator.lifecycle.update import Upgrade, Upgrader
from generator.template.amendment import Amendment
from generator.template.answers import resolve
from generator.template.releases import Releases
from tests.answers import QUESTIONS, SMALLEST, TEMPLATE, UPSTREAM
from tests.full import few
from tests.upgrade.services import Origin, maker, platform_of

RELEASES = Releases()
BEFORE = [release.version for release in RELEASES.all if "quota" not in RELEASES.template(release.version).config]
SLEEPING = [version for version in BEFORE if "scale_to_zero" in RELEASES.template(version).config]
each_release = pytest.mark.parametrize("version", few(1, BEFORE[::-1]), ids=str)
JOB: dict[str, Any] = {"name": "tidy", "schedule": "@daily", "command": ["tidy"]}
VOLUME: dict[str, Any] = {"name": "data", "mount": "/data"}
BOT_WALL: dict[str, Any] = {"auth": "none", "auth_reason": "published on purpose", "anubis": True}


def updated(version: Version, made: dict[str, Any], **given: Any) -> Upgrade:
    origin = Origin("", {**SMALLEST, **made}, platform_of(None), RELEASES, version)
    upgrader = Upgrader(RELEASES, origin.platform)
    amendment = Amendment(given)
    return upgrader.plan(origin.tree("stack"), origin.prefix("stack"), template=TEMPLATE, amendment=amendment)


def text_of(upgrade: Upgrade, name: str) -> str:
    return "".join(item.wanted.content.decode() for item in upgrade.files if item.wanted and item.path.endswith(name))


@each_release
@pytest.mark.parametrize(
    ("made", "question", "figures"),
    [
        ({"memory": "3500Mi"}, "memory", "a pod takes 3500Mi of memory and a namespace of tier aux has 3Gi"),
        ({"cpu": "3"}, "cpu", "a pod takes 3 CPU"),
        ({"memory": "1Gi", "replicas": 4}, "replicas", "4 pods take 4Gi of memory"),
        ({"cronjobs": [{**JOB, "memory": "3Gi"}]}, "cronjobs", "3328Mi of memory"),
        ({"memory": "3Gi", "volumes": [VOLUME]}, "backup", "3136Mi of memory"),
        ({"memory": "3Gi", **BOT_WALL}, "anubis", "3456Mi of memory"),
    ],
)
def test_an_answer_that_no_longer_fits_is_asked_for(
    version: Version, made: dict[str, Any], question: str, figures: str
) -> None:
    with pytest.raises(AnswersError) as caught:
        updated(version, made)
    (problem,) = caught.value.problems
    assert problem.question == question
    assert "which is no longer valid" in problem.message
    assert figures in problem.message


@each_release
def test_another_answer_or_a_quota_of_its_own_settles_it(version: Version) -> None:
    assert updated(version, {"memory": "3500Mi"}, memory="1Gi").answers.values["memory"] == "1Gi"
    own = updated(version, {"memory": "3500Mi"}, quota="own")
    assert own.answers.values["memory"] == "3500Mi"
    assert '"resource-governance/custom-quota" = "true"' in text_of(own, "main.tf")


@each_release
def test_a_service_whose_rollouts_never_ended_is_recreated(version: Version) -> None:
    upgrade = updated(version, {"memory": "2Gi"})
    assert upgrade.answers.values["memory"] == "2Gi"
    assert "# Recreate: the old pod and the new one take 4Gi of memory" in text_of(upgrade, "deployment.tf")
    assert [note for note in upgrade.notes if "each rollout has a gap" in note]


@each_release
def test_a_service_that_fits_is_rolled_out_as_before(version: Version) -> None:
    upgrade = updated(version, {"memory": "1Gi", "replicas": 2})
    assert "strategy" not in text_of(upgrade, "deployment.tf")


@each_release
def test_a_service_on_the_gpu_is_left_without_a_share_and_told_in_a_note(version: Version) -> None:
    made = {**UPSTREAM, "tier": "gpu", "gpu": True}
    upgrade = updated(version, made)
    assert upgrade.answers.values["gpu_memory"] == 0
    assert "gpumem" not in text_of(upgrade, ".tf")
    assert [note for note in upgrade.notes if note.startswith("gpu_memory is 0")]
    with_one = updated(version, made, gpu_memory=1500)
    assert '"viktorbarzin.me/gpumem" = "1500"' in text_of(with_one, "deployment.tf")


@each_release
@pytest.mark.parametrize("made", [{"dns": "lan"}, {"kind": "worker"}])
def test_no_monitor_is_added_that_nobody_asked_for(version: Version, made: dict[str, Any]) -> None:
    upgrade = updated(version, made)
    assert upgrade.answers.values["internal_monitor"] == "none"
    assert [entry for entry in upgrade.entries if entry.id == "kuma-monitor"] == []


@pytest.mark.parametrize("version", few(1, SLEEPING[::-1]), ids=str)
def test_what_sleeps_is_written_down_asleep(version: Version) -> None:
    text = text_of(updated(version, {"scale_to_zero": "dynamic"}), "deployment.tf")
    assert "replicas = 0\n" in text
    assert re.search(r"spec\[0\]\.replicas, +# SABLIER_MANAGED_REPLICAS", text)


@each_release
def test_a_parked_service_loses_its_monitors_and_gets_them_back(version: Version) -> None:
    made: dict[str, Any] = {"internal_monitor": {"path": "/healthz"}, "replicas": 0}
    parked = updated(version, made)
    assert [entry.action for entry in parked.entries if entry.id == "kuma-monitor"] == ["remove"]
    assert count(text_of(parked, "ingress.tf"), "external_monitor") == 1
    woken = updated(version, made, replicas=1)
    assert [entry.action for entry in woken.entries if entry.id == "kuma-monitor"] in ([], ["present"])
    assert count(text_of(woken, "ingress.tf"), "external_monitor") == 0


def count(text: str, word: str) -> int:
    return sum(line.strip().startswith(word) for line in text.splitlines())


# --- changes of a service of this version ------------------------------------------------------------------


def followed(recorded: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What follows from other answers to a service that this version made."""
    answered = resolve(TEMPLATE, QUESTIONS, {**SMALLEST, "names": {}, **recorded})
    made = maker(RELEASES, platform_of(None), Version(TEMPLATE.version))
    return made.follow(Recorded(document=answered.values), Amendment(given, replaced=frozenset(given)))


@pytest.mark.parametrize("given", [{"title": "Other"}, {"memory": "1Gi"}, {"replicas": 2}])
def test_a_change_adds_no_monitor_that_nobody_asked_for(given: dict[str, Any]) -> None:
    """What was recorded as `none` does not follow from other answers, although a new service would have a monitor."""
    assert "internal_monitor" not in followed({"dns": "lan", "internal_monitor": "none"}, given)
    assert "gpu_memory" not in followed({**UPSTREAM, "tier": "gpu", "gpu": True, "gpu_memory": 0}, given)


def test_a_service_that_moves_home_gets_one_as_a_new_one_would() -> None:
    """The monitor outside is gone then; one that somebody refused is not added."""
    assert followed({}, {"dns": "lan"}) == {"internal_monitor": {"path": "/healthz"}}
    assert followed({"dns": "lan"}, {"dns": "proxied"}) == {"internal_monitor": "none"}
    assert followed({"dns": "lan", "internal_monitor": "none"}, {"dns": "internal"}) == {}


def test_a_backup_still_follows_the_volumes() -> None:
    assert followed({"volumes": [VOLUME]}, {"volumes": [{**VOLUME, "kind": "nfs"}]}) == {"backup": "none"}
