"""Every request that newservice sends and every answer that the sandbox gives keep to the servers' descriptions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import contracts
from tests.answers import RICH
from tests.full import few
from tests.test_kinds import CRONJOB, EVERYTHING, OWN_CODE, WIDGET, WITHOUT_CI, Kind, given
from tests.world import World, fully_both

pytestmark = pytest.mark.skipif(
    not contracts.FOLDER.is_dir(), reason="the servers' descriptions are not beside this checkout (../shared/contracts)"
)


@fully_both
def test_a_whole_onboarding_keeps_to_the_contracts(world: World) -> None:
    assert world.run("create", RICH).code == 0
    name = str(RICH["name"])
    canonical = world.canonical(name)
    canonical.private = False
    canonical.mirrors[0].sync_on_commit = False
    world.sandbox.woodpecker.repository(world.mirror_name(name)).active = False
    assert world.run("create", RICH).code == 0

    used, problems = contracts.check(world.sandbox.journal, complete=True)
    assert problems == []
    assert len(world.sandbox.journal) > 100
    assert len(used) >= 20


@pytest.mark.parametrize(
    "kind", few(2, [EVERYTHING, CRONJOB, OWN_CODE, WITHOUT_CI, WIDGET]), ids=lambda kind: kind.name
)
def test_each_kind_keeps_to_the_contracts(world: World, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made, looked at, merged, and made again."""
    monkeypatch.setenv("OF_ANOTHER_SYSTEM", "correct-horse")
    assert world.run("create", kind.answers, *given(kind.seeds)).code == 0
    assert world.command("status", kind.name).code == 0
    world.merge(kind.name)
    assert world.run("create", kind.answers).result["status"] == "unchanged"
    used, problems = contracts.check(world.sandbox.journal, complete=True)
    assert problems == []
    systems = {operation.partition(" ")[0] for operation in used}
    assert systems == {step.partition(".")[0] for step in kind.steps} & {"forgejo", "github", "woodpecker"} | {
        "forgejo"
    }


def test_the_check_sees_what_is_wrong(world: World) -> None:
    """A check that accepts everything would prove nothing."""
    world.run("create", RICH)
    (created,) = world.sandbox.journal.find("forgejo", "POST", "/user/repos$")
    wrong = [
        replace(created, request_body=b'{"name": 5}'),
        replace(created, response_body=b'{"id": "five"}'),
        replace(created, path="/api/v1/user/repositories"),
        replace(created, status=202),
    ]
    assert contracts.check([created], complete=True)[1] == []
    for exchange in wrong:
        assert contracts.check([exchange], complete=True)[1]
