"""What reviewers do on the forge, and what a service is there in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.sandbox.forgejo.state import Repository
from generator.template.files import ANSWERS_FILE
from tests.world import Completed, World

PREFIX = "newservice-change/"


def change(world: World, name: str, *more: str) -> Completed:
    return world.command("change", name, "--yes", *more)


def merge(world: World, found: Repository, branch: str) -> None:
    """Merge a branch as a fast-forward or, where the default branch moved on, as git does; and delete it."""
    default, before = found.default_branch, found.bare.references()
    heads = found.bare.heads()
    ours, theirs = heads[default], heads[branch]
    merged = theirs
    if not found.bare.is_ancestor(ours, theirs):
        tree = found.bare.merged_tree(ours, theirs)
        assert tree is not None, "it can't be merged"
        merged = found.bare.commit_tree(tree, [ours, theirs], f"Merge {branch}")
    found.bare.update(f"refs/heads/{default}", merged)
    found.bare.delete(f"refs/heads/{branch}")
    for pull in found.pulls.values():
        if pull.head == branch and pull.state == "open":
            pull.state, pull.merged = "closed", "2026-08-01T00:00:00Z"
    world.sandbox.forgejo.pushed(found, before)
    world.sandbox.forgejo.wait_for_mirrors()


def repositories(world: World, name: str) -> list[Repository]:
    """The infra repository, and the service's own where it has one."""
    owned = f"{world.platform.forgejo.owner}/{name}" in world.sandbox.forgejo.repositories
    return [world.infra, *([world.canonical(name)] if owned else [])]


def waiting(world: World, name: str) -> list[str]:
    """Where a change of a service waits for review."""
    return [found.name for found in repositories(world, name) if f"{PREFIX}{name}" in found.bare.heads()]


def merge_all(world: World, name: str) -> None:
    """Merge the change of a service everywhere."""
    for found in repositories(world, name):
        if f"{PREFIX}{name}" in found.bare.heads():
            merge(world, found, f"{PREFIX}{name}")


def files(found: Repository, revision: str = "") -> dict[str, bytes]:
    """The files of a branch by path, but for records of answers."""
    entries = found.bare.entries(revision or found.default_branch, recursive=True)
    return {
        item.path: found.bare.blob(item.sha) for item in entries if item.kind == "blob" and ANSWERS_FILE not in item.path
    }


def recorded(world: World, name: str) -> bytes | None:
    """The stack's record of its answers."""
    return world.infra.bare.file(world.base, f"{world.platform.infra.stack(name)}{ANSWERS_FILE}")


def state(world: World, name: str) -> Mapping[str, Any]:
    """Everything of a service that a change may concern."""
    sandbox = world.sandbox
    sandbox.forgejo.wait_for_mirrors()
    found: dict[str, Any] = {"infra": files(world.infra), "answers": recorded(world, name)}
    if len(repositories(world, name)) > 1:
        canonical, mirror = world.canonical(name), world.mirror(name)
        rows = [row for row in sandbox.woodpecker.repositories.values() if row.full_name == mirror.full_name]
        found |= {
            "service": files(canonical),
            "private": (canonical.private, mirror.private),
            "description": canonical.description,
            "secrets": sorted(mirror.secrets),
            "woodpecker": [row.active for row in rows],
        }
    found["vault"] = sorted(sandbox.vault.read(name)) if world.has_secret(name) else []
    return found
