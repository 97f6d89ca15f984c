"""Two people at once: nothing of one is lost, and of nobody only one half remains."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from generator.base.errors import ExitCode
from tests.answers import SMALLEST, UPSTREAM
from tests.change.forge import PREFIX, change, merge, merge_all, repositories, waiting
from tests.full import few, full
from tests.world import World

READER: dict[str, Any] = {**UPSTREAM, "port": 8080}
APP: dict[str, Any] = {**SMALLEST, "port": 8080}
AGAIN = (ExitCode.OK, ExitCode.REFUSED, ExitCode.SYSTEM)
"""How a run ends that met another: it is done, or says that the same command goes on."""


def settled(world: World, given: Mapping[str, Any]) -> str:
    world.have(given)
    world.merge(str(given["name"]))
    return str(given["name"])


def launch(world: World, *arguments: str) -> subprocess.Popen[str]:
    platform = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra), "--json")
    return world.launch(*arguments, *platform)


def together(world: World, *commands: tuple[str, ...]) -> list[tuple[int, str]]:
    """The ends of commands that run at the same time."""
    processes = [launch(world, *command) for command in commands]
    told = [process.communicate() for process in processes]
    return [(process.returncode, f"{out}{err}") for process, (out, err) in zip(processes, told, strict=True)]


def recorded(world: World, name: str) -> list[dict[str, Any]]:
    """What the trees of a service record on their default branches."""
    prefixes = [world.platform.infra.stack(name), ""]
    return [
        yaml.safe_load(found.bare.file(found.default_branch, f"{prefix}.copier-answers.yml") or b"")
        for found, prefix in zip(repositories(world, name), prefixes, strict=False)
    ]


@pytest.mark.parametrize("given", few(1, [READER, APP]), ids=["upstream", "owned"])
def test_two_changes_of_one_service(world: World, given: dict[str, Any]) -> None:
    name = settled(world, given)
    commands = [("change", name, "--yes", "--port", "9000"), ("change", name, "--yes", "--title", "Other")]
    world.meet("forgejo", "POST", r"/infra(\.git)?/git-receive-pack$")
    ends = together(world, *commands)
    assert all(code in AGAIN for code, _ in ends), ends
    assert ExitCode.OK in [code for code, _ in ends], ends
    for command, (code, _) in zip(commands, ends, strict=True):
        if code != ExitCode.OK:
            assert world.command(*command).code == 0
    assert world.command("status", name).result["status"] == "unchanged"
    merge_all(world, name)
    assert world.command("status", name).result["status"] == "unchanged"
    assert waiting(world, name) == []
    for found in recorded(world, name):
        assert (found["port"], found["title"]) == (9000, "Other")


def test_a_change_and_a_removal(world: World) -> None:
    name = settled(world, READER)
    commands = [("change", name, "--yes", "--port", "9000"), ("remove", name, "--yes")]
    world.meet("forgejo", "POST", r"/infra(\.git)?/git-receive-pack$")
    ends = together(world, *commands)
    assert all(code in AGAIN for code, _ in ends), ends
    assert ends[1][0] == ExitCode.OK, ends
    again = change(world, name, "--port", "9000")
    assert again.code == ExitCode.REFUSED, again.out
    assert "is being removed" in again.of("error")[0]["message"]
    assert world.command("remove", name, "--yes").code == 0
    assert waiting(world, name) == []
    merge(world, world.infra, f"newservice-remove/{name}")
    assert world.command("remove", name, "--yes").code == 0
    assert not [branch for branch in world.infra.bare.heads() if branch.endswith(f"/{name}")]


@full
def test_changes_of_neighbours_in_one_shared_file(world: World) -> None:
    names = [settled(world, {**READER, "name": f"reader-{number}"}) for number in range(2)]
    world.meet("forgejo", "POST", r"/infra(\.git)?/git-receive-pack$")
    ends = together(world, *(("change", name, "--yes", "--description", f"Reads {name}") for name in names))
    assert [code for code, _ in ends] == [0, 0], ends
    merge(world, world.infra, f"{PREFIX}{names[0]}")
    assert change(world, names[1]).code == 0
    merge(world, world.infra, f"{PREFIX}{names[1]}")
    for name in names:
        assert world.command("status", name).result["status"] == "unchanged"
        catalogue = world.infra.bare.file(world.base, ".claude/reference/service-catalog.md") or b""
        assert f"Reads {name}".encode() in catalogue


@full
def test_two_changes_of_one_repository_leave_what_the_stack_records(world: World) -> None:
    """Whoever is first with the stack is first with the repository, even where the other does not come again."""
    name = settled(world, APP)
    world.meet("forgejo", "POST", r"/notes-app(\.git)?/git-receive-pack$", patience=5)
    ends = together(world, *(("change", name, "--yes", "--port", port) for port in ("9000", "9100")))
    assert sorted(code for code, _ in ends) == [ExitCode.OK, ExitCode.REFUSED], ends
    assert world.command("status", name).result["status"] == "unchanged"
    merge_all(world, name)
    stack, service = recorded(world, name)
    assert stack["port"] == service["port"]
    assert world.command("status", name).result["status"] == "unchanged"
