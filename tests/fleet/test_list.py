"""``newservice fleet list``: what exists, and what waits for review."""

from __future__ import annotations

from tests.answers import UPSTREAM
from tests.fleet.conftest import Yard
from tests.test_races import merge

NAME = str(UPSTREAM["name"])


def test_each_service_is_listed_with_its_host_owner_and_namespace(yard: Yard) -> None:
    found = yard.fleet("list").of("service")
    owner = yard.world.platform.forgejo.owner
    assert {item["owner"] for item in found} == {owner}
    assert {item["namespace"] for item in found} == set(yard.made.names)
    hosts = {item["name"]: item["host"] for item in found}
    assert hosts[yard.made.names[0]]
    again = {item["name"]: item["host"] for item in yard.fleet("status").of("service")}
    assert again == hosts
    assert {item["name"]: item["host"] for item in yard.fleet("status").of("service")} == hosts  # as remembered


def test_a_new_stack_is_listed_while_it_waits(yard: Yard) -> None:
    given = {**UPSTREAM, "host": "reads", "namespace": "reading"}
    assert yard.world.run("create", given).code == 0
    completed = yard.fleet("list")
    one = yard.one(completed, NAME)
    assert (one["state"], one["host"], one["namespace"]) == ("waiting", "reads", "reading")
    (pull,) = [pull for pull in yard.world.infra.pulls.values() if pull.head == f"newservice/{NAME}"]
    assert one["url"].endswith(f"/pulls/{pull.number}")
    assert completed.code == 0
    assert yard.states(yard.fleet("list", "--only", "other*")) == {}
    assert NAME not in yard.states(yard.fleet("list", "--offline"))
    assert NAME not in yard.states(yard.fleet("list", "--limit", "2"))
    places = ("--platform", str(yard.world.sandbox.profile), "--infra", str(yard.world.sandbox.infra))
    shown = yard.world.tell(["fleet", "list", *places])
    assert any(NAME in line and "waiting" in line and one["url"] in line for line in shown.out.splitlines())
    pull.state = "closed"
    assert NAME not in yard.states(yard.fleet("list"))
    pull.state = "open"
    assert merge(yard.world, NAME) == 200
    assert yard.one(yard.fleet("list"), NAME)["state"] != "waiting"
