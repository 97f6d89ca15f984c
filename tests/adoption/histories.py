"""Repositories as people leave them: a long history, tags, LFS pointers, branches, and a pipeline in the cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from nacl.public import SealedBox

from generator.sandbox.forgejo.state import PushMirror, now
from generator.sandbox.github.state import Secret
from generator.sandbox.repositories import BareRepository, run_git
from generator.sandbox.woodpecker.state import Repository as Registration
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
    "ci_test": "none",
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


def a_clone(world: World, name: str = "ledger", origin: str = "") -> Path:
    """A clean clone on this machine, with two branches and two tags."""
    path = world.folder / name
    path.mkdir()
    git(path, "init", "-q", f"--initial-branch={world.branch}")
    for file, content in CODE.items():
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        (path / file).write_text(content)
    git(path, "add", "--all")
    git(path, "commit", "-q", "-m", "first")
    git(path, "branch", "next")
    git(path, "tag", "v1")
    git(path, "tag", "-a", "v2", "-m", "second")
    if origin:
        git(path, "remote", "add", "origin", origin)
    return path


def git(path: Path, *arguments: str) -> str:
    """What git says in a clone."""
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", *who, *arguments], cwd=path, check=True, capture_output=True, text=True)
    return done.stdout


def held(path: Path) -> dict[str, str]:
    """Branches and tags of a clone."""
    lines = git(path, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags").splitlines()
    return dict(line.split(" ") for line in lines)


def address_of(world: World, system: str) -> str:
    """Where a system of the sandbox is."""
    found: str = yaml.safe_load(world.sandbox.profile.read_text())[system]["url"]
    return found


def mirrored(world: World, name: str = "invoices") -> None:
    """A mirror of the repository on GitHub, linked, registered and with secrets: all made by hand."""
    canonical, branch = world.canonical(name), world.branch
    mirror = world.sandbox.github.create_repository(
        world.platform.github.owner, name, private=True, description="Copy of invoices"
    )
    address = f"{address_of(world, 'github')}/{world.mirror_name(name)}.git"
    run_git(canonical.bare.path, "push", "--quiet", str(mirror.bare.path), "refs/heads/*", "refs/tags/*")
    mirror.default_branch = branch
    token = next(iter(world.sandbox.github.tokens))
    canonical.mirrors.append(PushMirror(address, "8h0m0s", True, world.platform.github.owner, token, last_update=now()))
    woodpecker = world.sandbox.woodpecker
    row = Registration(next(woodpecker.ids), str(mirror.id), mirror.full_name, private=True, default_branch=branch)
    woodpecker.repositories[row.id] = row
    sealed = SealedBox(mirror.private_key.public_key).encrypt(b"theirs")
    mirror.secrets["SLACK_WEBHOOK"] = Secret(sealed, "2020-02-03T00:00:00Z", "2020-02-03T00:00:00Z")


def merge(world: World, name: str = "invoices", *, squash: bool = False) -> None:
    """Merge the open proposal as the forge does, and delete its branch; with ``squash`` in one commit, and keep it."""
    canonical = world.canonical(name)
    (pull,) = [item for item in canonical.pulls.values() if item.state == "open"]
    before, ours, theirs = canonical.bare.references(), *(canonical.bare.heads()[it] for it in (pull.base, pull.head))
    tree = canonical.bare.merged_tree(ours, theirs)
    assert tree is not None
    sha = canonical.bare.commit_tree(tree, [ours] if squash else [ours, theirs], f"Merge {pull.head}")
    canonical.bare.update(f"refs/heads/{pull.base}", sha)
    if not squash:
        canonical.bare.delete(f"refs/heads/{pull.head}")
    pull.state, pull.merged, pull.merge_commit = "closed", now(), sha
    world.sandbox.forgejo.pushed(canonical, before)
    world.sandbox.forgejo.wait_for_mirrors()
