"""Repositories as people leave them: a long history, tags, LFS pointers, branches, and a pipeline in the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generator.sandbox.repositories import BareRepository, run_git
from tests.world import World

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d7a" * 16 + "\nsize 1048576\n"
PIPELINE = "steps:\n  build:\n    image: woodpeckerci/plugin-docker-buildx\n"
CODE: Mapping[str, str] = {
    "Dockerfile": 'FROM python:3.13-slim\nCOPY . /app\nEXPOSE 8000\nCMD ["python", "-m", "app"]\n',
    "app/__main__.py": "print('hello')\n",
    "tests/test_app.py": "def test_it(): pass\n",
    "requirements.txt": "flask==3.1.0\n",
    ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "model.bin": POINTER,
    ".woodpecker.yml": PIPELINE,
    "README.md": "# Invoices\n",
}

GIVEN: Mapping[str, Any] = {
    "title": "Invoices",
    "tier": "aux",
    "auth": "required",
    "dns": "proxied",
    "stack": "existing",
}
"""Answers that no repository tells."""


def fill(bare: BareRepository, branch: str, commits: int = 12, files: Mapping[str, str] = CODE) -> None:
    """A history of so many commits on ``branch``, another branch, and two tags, one of them an object of its own."""
    first = [(files, "first commit", 1_600_000_000)]
    later = [
        ({"CHANGES": f"{number}\n"}, f"change {number}", 1_600_000_000 + number * 3600) for number in range(1, commits)
    ]
    head = bare.commit_series(branch, [*first, *later])
    bare.update("refs/heads/next", head)
    bare.commit_files("next", {"next.txt": "later\n"}, "a branch of its own", 1_700_000_000)
    bare.update("refs/tags/v1", head)
    run_git(bare.path, "tag", "-a", "v2", "-m", "second", head)


def on_forgejo(world: World, name: str = "invoices", commits: int = 12, files: Mapping[str, str] = CODE) -> None:
    """A private repository on Forgejo."""
    owner = world.platform.forgejo.owner
    made = world.sandbox.forgejo.create_repository(
        owner, name, private=True, description="Sends invoices", branch=world.branch
    )
    fill(made.bare, world.branch, commits, files)
    made.refresh(made.bare.heads())


def on_github(world: World, name: str = "invoices", commits: int = 12, files: Mapping[str, str] = CODE) -> None:
    """A private repository on GitHub."""
    made = world.sandbox.github.create_repository(
        world.platform.github.owner, name, private=True, description="Sends invoices"
    )
    fill(made.bare, world.branch, commits, files)
    made.default_branch = world.branch
    made.bare.set_head(world.branch)


def references(bare: BareRepository) -> dict[str, str]:
    """Branches and tags, but for what newservice proposes."""
    return {name: sha for name, sha in bare.references().items() if not name.startswith("refs/heads/newservice")}
