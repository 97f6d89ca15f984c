"""Executable bits of what is created, changed and removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.answers import RICH
from tests.change.forge import change
from tests.checkout import commit_all, git
from tests.invoke import Desk
from tests.modes import chmod, modes
from tests.world import World

NAME = str(RICH["name"])
SCRIPT = "scripts/test"
OWN_CODE: dict[str, Any] = {
    "name": "legacy-api",
    "title": "Legacy API",
    "description": "An API that was there before",
    "language": "none",
    "ci_test": "custom",
}
"""A service whose repository has an executable script."""


def without_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git as on a file system without executable bits."""
    for name, value in {"COUNT": "1", "KEY_0": "core.fileMode", "VALUE_0": "false"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)


@pytest.mark.parametrize("blind", [False, True])
def test_the_first_commit_has_the_bit(world: World, monkeypatch: pytest.MonkeyPatch, blind: bool) -> None:
    if blind:
        without_bits(monkeypatch)
    assert world.run("create", OWN_CODE).code == 0
    assert modes(world.canonical("legacy-api").bare, world.branch)[SCRIPT]


def test_a_folder_that_becomes_a_repository_keeps_the_bit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written as files only before, on a file system without bits."""
    assert world.run("create", OWN_CODE, "--no-provision").code == 0
    script = world.folder / "legacy-api" / SCRIPT
    script.chmod(0o644)
    without_bits(monkeypatch)
    git(world.sandbox.infra, "checkout", "--quiet", ".")
    git(world.sandbox.infra, "clean", "-fdq")
    assert world.run("create", OWN_CODE).code == 0
    assert modes(world.canonical("legacy-api").bare, world.branch)[SCRIPT]


def test_a_chmod_on_the_forge_stays_when_the_answers_change(world: World) -> None:
    """In both repositories, of files that the change touches and of others."""
    world.have(RICH)
    world.merge(NAME)
    stack, own = f"stacks/{NAME}/", world.canonical(NAME)
    chmod(world.infra.bare, world.folder, world.base, {f"{stack}deployment.tf": "+x", f"{stack}main.tf": "+x"})
    chmod(own.bare, world.folder, world.branch, {"README.md": "+x", "Dockerfile": "+x"})
    own.refresh(own.bare.heads())

    done = change(world, NAME, "--memory", "1Gi", "--description", "Guides")
    assert done.code == 0, done.out
    (plan,) = done.of("plan")
    assert all("executable" not in item for item in plan["files"])
    infra = modes(world.infra.bare, f"newservice-change/{NAME}")
    assert {path for path, bit in infra.items() if bit and path.startswith(stack)} == {
        f"{stack}deployment.tf",
        f"{stack}main.tf",
    }
    assert b'memory = "1Gi"' in (world.infra.bare.file(f"newservice-change/{NAME}", f"{stack}deployment.tf") or b"")
    service = modes(own.bare, f"newservice-change/{NAME}")
    assert {path for path, bit in service.items() if bit} >= {"README.md", "Dockerfile"}
    assert change(world, NAME, "--memory", "1Gi", "--description", "Guides").result["status"] == "unchanged"


def test_a_shared_file_keeps_its_bit_in_the_commit(world: World) -> None:
    catalog = ".claude/reference/service-catalog.md"
    chmod(world.infra.bare, world.folder, world.base, {catalog: "+x"})
    assert world.run("create", RICH).code == 0
    assert modes(world.infra.bare, f"newservice/{NAME}")[catalog]


def test_a_chmod_of_the_stack_is_an_edit(world: World) -> None:
    """``verify`` counts it, and ``remove`` does not take it along unseen."""
    world.have(RICH)
    world.merge(NAME)
    assert world.command("remove", NAME, "--dry-run").of("plan")[0]["steps"]
    chmod(world.infra.bare, world.folder, world.base, {f"stacks/{NAME}/main.tf": "+x"}, amend=True)
    (check,) = [item for item in world.command("verify", NAME).of("check") if item["id"] == "infra.stack"]
    assert "1 files edited since" in check["summary"]
    plan = world.command("remove", NAME, "--dry-run").of("plan")[0]
    (step,) = [item for item in plan["steps"] if item["id"] == "infra.removal_commit"]
    assert (step["action"], "main.tf" in step["summary"]) == ("none", True)


@pytest.mark.parametrize("bits", [0o755, 0o644])
def test_files_only_leaves_bits_alone_and_says_what_git_does_not_see(desk: Desk, bits: int) -> None:
    """A creation changes nothing that exists: where both made a file with other bits, the person's stays."""
    assert desk.create(OWN_CODE).code == 0
    script = desk.service / SCRIPT
    script.chmod(bits)
    (plan,) = desk.create(OWN_CODE).of("plan")
    assert {item["action"] for item in plan["files"]} == {"unchanged"}
    assert bool(script.stat().st_mode & 0o100) == (bits == 0o755)
    commit_all(desk.service, "feat: the service")
    git(desk.service, "config", "core.fileMode", "false")
    git(desk.service, "rm", "--quiet", SCRIPT)
    commit_all(desk.service, "chore: no script")
    (plan,) = desk.create(OWN_CODE, command="plan").of("plan")
    (note,) = [note for note in plan["notes"] if "core.fileMode" in note]
    assert desk.create(OWN_CODE).code == 0
    command = note.partition("before the commit: ")[2].split()
    assert command[:3] == ["git", "-C", str(desk.service)]
    git(desk.service, *command[3:])
    assert git(desk.service, "ls-files", "--stage", SCRIPT).startswith("100755")
