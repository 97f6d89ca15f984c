"""The tool ``change``: an agent changes a service that exists, and only plans it where it may not write."""

from __future__ import annotations

import pytest

from generator.mcp.server import Settings
from generator.mcp.tools import tools
from tests.answers import RICH
from tests.change.forge import merge_all, waiting
from tests.test_mcp import Agent, talk
from tests.world import World

NAME = RICH["name"]


@pytest.fixture
def settings(world: World) -> Settings:
    """A server that may write, on a world in which the service is merged."""
    world.have(RICH)
    world.merge(NAME)
    return Settings(platform=str(world.sandbox.profile), infra=str(world.sandbox.infra), allow_writes=True)


def test_an_agent_changes_a_service_and_goes_back(world: World, settings: Settings) -> None:
    """A variable added, another removed, more memory; planned, carried out, merged, and undone."""

    async def wish(agent: Agent) -> None:
        given = {"name": NAME, "answers": {"memory": "512Mi", "env": {"OTHER": "1"}}, "unset": ["env.LOG_LEVEL"]}
        planned = await agent.call("change", **given, dry_run=True, diffs=True)
        assert {(item["answer"], item["old"], item["new"]) for item in planned["change"]} == {
            ("memory", "256Mi", "512Mi"), ("memory_limit", "512Mi", "1024Mi"),
            ("env.OTHER", None, "1"), ("env.LOG_LEVEL", "info", None),
        }  # fmt: skip
        assert any("OTHER" in diff for diff in planned["plan"][0]["diffs"].values())
        assert waiting(world, NAME) == []

        done = await agent.call("change", **given)
        assert done["result"]["exit_code"] == 0
        assert done["result"]["urls"]["pull_request"].endswith(f"/infra/pulls/{max(world.infra.pulls)}")
        assert (await agent.call("change", **given))["result"]["status"] == "unchanged"

        merge_all(world, NAME)
        undone = await agent.call("change", name=NAME, undo=True)
        assert ("memory", "512Mi", "256Mi") in {(item["answer"], item["old"], item["new"]) for item in undone["change"]}
        wrong = await agent.call("change", name=NAME, undo=True, answers={"memory": "1Gi"})
        assert [item["code"] for item in wrong["error"]] == ["change.undo"]

    talk(settings, wish)


def test_an_agent_agrees_by_name_only(world: World, settings: Settings) -> None:
    """What is lost or opened is refused until it is named."""

    async def wish(agent: Agent) -> None:
        lost = {"name": NAME, "answers": {"database": "none"}, "dry_run": True}
        refused = await agent.call("change", **lost)
        assert [item["code"] for item in refused["error"]] == ["change.loss"]
        assert refused["result"]["exit_code"] == 4
        assert (await agent.call("change", **lost, accept_loss=["database"]))["result"]["exit_code"] == 0
        opened = {"name": NAME, "answers": {"image_visibility": "public"}, "dry_run": True}
        assert [item["code"] for item in (await agent.call("change", **opened))["error"]] == ["change.opens"]
        assert (await agent.call("change", **opened, open=True))["result"]["exit_code"] == 0
        assert world.canonical(NAME).private

    talk(settings, wish)


def test_replacing_is_said(settings: Settings) -> None:
    async def wish(agent: Agent) -> None:
        planned = await agent.call("change", name=NAME, answers={"env": {"ONE": "1"}}, replace=["env"], dry_run=True)
        removed = {item["answer"] for item in planned["change"] if item["new"] is None}
        assert removed == {"env.LOG_LEVEL", "env.DATABASE_HOST"}

    talk(settings, wish)


@pytest.mark.parametrize("writes", [False, True])
def test_it_only_plans_where_it_must(writes: bool) -> None:
    (tool,) = [tool for tool in tools(writes=writes) if tool.name == "change"]
    assert ("--dry-run" in tool.line({"name": "x"})) is not writes
    assert ("--yes" in tool.line({"name": "x"})) is writes
    assert "--dry-run" in tool.line({"name": "x", "dry_run": True})
