"""What reviewers do on the forge, and what a service is there in the end."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

import yaml

from generator.sandbox.forgejo.state import Repository
from generator.template.files import ANSWERS_FILE
from tests.world import Completed, World

PREFIX = "newservice-change/"
_NUMBER = re.compile(rb"/repos/\d+/")
"""Woodpecker's number of a repository, which is another one after a registration anew."""
_PORT = re.compile(rb"(sandbox\.test|localhost):\d+")
"""Addresses of an embedded platform, each of which has ports of its own."""


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
        item.path: _NUMBER.sub(b"/repos/1/", _PORT.sub(rb"\1:1", found.bare.blob(item.sha)))
        for item in entries
        if item.kind == "blob" and ANSWERS_FILE not in item.path
    }


def recorded(world: World, name: str) -> dict[str, Any]:
    """The stack's record of its answers, but for what is the platform's."""
    content = world.infra.bare.file(world.base, f"{world.platform.infra.stack(name)}{ANSWERS_FILE}")
    document = yaml.safe_load(content or b"{}")
    return {key: value for key, value in document.items() if key not in ("profile", "_src_path")}


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


def differing(found: Mapping[str, Any], expected: Mapping[str, Any], place: str = "") -> str:
    """What differs, line by line, without what does not."""
    lines = []
    for key in sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key)):
        old, new = expected.get(key), found.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            lines.append(differing(new, old, f"{place}{key}: "))
            continue
        sides = [repr(side).replace("\\n", "\n").splitlines() for side in (old, new)]
        compared = list(difflib.unified_diff(sides[0], sides[1], lineterm="", n=0))[2:]
        lines += [f"{place}{key}: {line}" for line in compared]
    return "\n".join(lines)
