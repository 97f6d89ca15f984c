"""Modes in a repository without a working tree: somebody's chmod on the forge."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from generator.sandbox.repositories import BareRepository


def git(bare: BareRepository, *words: str, index: Path | None = None) -> str:
    place = {"GIT_INDEX_FILE": str(index)} if index else {}
    nobody = {f"GIT_{role}_{key}": "test" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(bare.path), *words], env={**os.environ, **nobody, **place}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def chmod(bare: BareRepository, folder: Path, branch: str, bits: Mapping[str, str], *, amend: bool = False) -> None:
    """Somebody's commit that changes nothing but modes, or the last one amended by them."""
    index = folder / "index-of-chmod"
    git(bare, "read-tree", branch, index=index)
    for path, bit in bits.items():
        blob = git(bare, "rev-parse", f"{branch}:{path}")
        mode = "100755" if bit == "+x" else "100644"
        git(bare, "update-index", "--cacheinfo", f"{mode},{blob},{path}", index=index)
    tree = git(bare, "write-tree", index=index)
    index.unlink()
    parent = git(bare, "rev-parse", f"{branch}~1" if amend else branch)
    message = git(bare, "log", "-1", "--format=%B", branch) if amend else "chmod"
    commit = git(bare, "commit-tree", tree, "-p", parent, "-m", message)
    bare.update(f"refs/heads/{branch}", commit)


def modes(bare: BareRepository, commit: str) -> dict[str, bool]:
    lines = git(bare, "ls-tree", "-r", commit).splitlines()
    return {line.partition("\t")[2]: line.startswith("100755") for line in lines}
