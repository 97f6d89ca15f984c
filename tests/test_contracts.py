"""Every request that newservice sends and every answer that the sandbox gives keep to the servers' descriptions."""

from __future__ import annotations

import pytest

from tests.answers import RICH
from tests.contracts import FOLDER, MISSING, PREFIX, contract
from tests.world import World

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=MISSING)


def test_a_whole_onboarding_keeps_to_the_contracts(world: World) -> None:
    world.run("plan", RICH)
    assert world.run("create", RICH).code == 0
    assert world.run("create", RICH).code == 0
    canonical = world.sandbox.forgejo.repository(f"viktor/{RICH['name']}")
    canonical.private = False
    canonical.mirrors[0].sync_on_commit = False
    world.sandbox.woodpecker.repository(f"ViktorBarzin/{RICH['name']}").active = False
    assert world.run("create", RICH).code == 0

    exchanges = [
        item
        for item in world.sandbox.journal
        if item.system in PREFIX and item.path.startswith(PREFIX[item.system] + "/")
    ]
    problems = [problem for item in exchanges for problem in contract(item.system).problems(item)]
    assert len(exchanges) > 100
    assert problems == []
    operations = {system: len(contract(system).seen) for system in PREFIX}
    assert operations["forgejo"] >= 10
    assert operations["github"] >= 6
    assert operations["woodpecker"] >= 2


def test_the_check_sees_what_is_wrong(world: World) -> None:
    """A contract that accepts everything would prove nothing."""
    from dataclasses import replace

    world.run("create", RICH)
    (created,) = world.sandbox.journal.find("forgejo", "POST", "/user/repos$")
    forgejo = contract("forgejo")
    assert forgejo.problems(created) == []
    assert forgejo.problems(replace(created, request_body=b'{"name": 5}'))
    assert forgejo.problems(replace(created, response_body=b'{"id": "five"}'))
    assert forgejo.problems(replace(created, path="/api/v1/user/repositories"))
    assert forgejo.problems(replace(created, status=202))
