"""Trees built from objects are those that git's own index makes."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from generator.base.errors import SystemFailure
from generator.clients.git import Repository, scratch_repository
from generator.clients.git.building import build_tree
from generator.template.files import File
from tests.full import few

NAMES = ["a", "a.tf", "a-b", "a/b", "a/c.tf", "a/d/e", "a/d/f g", "b", "B/ä", ".c/d", "z/y/x/w", "new\nline/n"]
"""Some are files to some and folders to others; and folders sort otherwise than files."""

Entries = dict[str, tuple[str, str]]


def git(repository: Repository, *arguments: str, given: str = "", index: Path | None = None) -> str:
    environ = {"GIT_INDEX_FILE": str(index)} if index else {}
    command = ["git", "-C", str(repository.path), *arguments]
    return subprocess.run(command, input=given.encode(), env=environ, capture_output=True, check=True).stdout.decode()


def by_index(repository: Repository, beginning: str, files: list[File], removed: list[str], index: Path) -> str:
    """What git makes of it."""
    index.unlink(missing_ok=True)
    git(repository, "read-tree", beginning or "--empty", index=index)
    lines = [f"0 {'0' * 40}\t{path}" for path in removed]
    for file in files:
        path = index.parent / "content"
        path.write_bytes(file.content)
        blob = git(repository, "hash-object", "-w", "--no-filters", str(path)).strip()
        lines.append(f"{'100755' if file.executable else '100644'} {blob}\t{file.path}")
    git(repository, "update-index", "-z", "--index-info", given="".join(f"{line}\0" for line in lines), index=index)
    return git(repository, "write-tree", index=index).strip()


def apart(paths: list[str]) -> list[str]:
    """Those of the paths of which none is a folder of another."""
    return [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]


@pytest.mark.parametrize("seed", few(2, range(8)))
def test_a_built_tree_is_the_one_of_an_index(seed: int, tmp_path: Path) -> None:
    chance, index = random.Random(seed), tmp_path / "index"
    with scratch_repository() as repository:
        tree = ""
        for number in range(6):
            paths = apart(chance.sample(NAMES, 5))
            removed = [path for path in chance.sample(NAMES, 4) if path not in paths]
            removed = [path for path in removed if not any(path.startswith(f"{other}/") for other in paths)]
            files = [File(path, b"%d" % (number % 3), executable=chance.random() < 0.3) for path in paths]
            built = build_tree(repository.path, tree, files, removed)
            assert built == by_index(repository, tree, files, removed, index)
            tree = built
        assert git(repository, "fsck", "--strict", "--no-dangling") == ""
        everything = git(repository, "ls-tree", "-r", "-z", "--name-only", tree).split("\0")[:-1]
        assert build_tree(repository.path, tree, [], everything) == by_index(repository, "", [], [], index)


def test_a_tree_without_a_change_is_the_same() -> None:
    """A merge of a branch that brings nothing of its own is made this way."""
    with scratch_repository() as repository:
        made = build_tree(repository.path, "", [File("a/b", b"x")])
        assert build_tree(repository.path, made, []) == made


def test_a_folder_that_is_not_here_is_not_taken_for_empty() -> None:
    with scratch_repository() as repository:
        tree = build_tree(repository.path, "", [File("a/b/c", b"1"), File("a/b/d", b"2")])
        folder = git(repository, "rev-parse", f"{tree}:a/b").strip()
        (repository.path / "objects" / folder[:2] / folder[2:]).unlink()
        with pytest.raises(SystemFailure) as caught:
            build_tree(repository.path, tree, [File("a/b/c", b"3")])
        assert (caught.value.code, folder in caught.value.message) == ("git.incomplete", True)
        with pytest.raises(SystemFailure):
            build_tree(repository.path, "0" * 39 + "1", [File("a", b"3")])
