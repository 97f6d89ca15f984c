"""Trees built from objects are those that git's own index makes."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from generator.base.errors import RefusedError, SystemFailure
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


def in_the_way(repository: Repository, tree: str, paths: list[str]) -> list[str]:
    """Files that are a folder to one of the paths, or lie in a folder in its place: only their removal makes room."""
    there = git(repository, "ls-tree", "-r", "-z", "--name-only", tree).split("\0")[:-1] if tree else []
    return [one for one in there for path in paths if one.startswith(f"{path}/") or path.startswith(f"{one}/")]


@pytest.mark.parametrize("seed", few(2, range(8)))
def test_a_built_tree_is_the_one_of_an_index(seed: int, tmp_path: Path) -> None:
    chance, index = random.Random(seed), tmp_path / "index"
    with scratch_repository() as repository:
        tree = ""
        for number in range(6):
            paths = apart(chance.sample(NAMES, 5))
            removed = [path for path in chance.sample(NAMES, 4) if path not in paths]
            removed = [path for path in removed if not any(path.startswith(f"{other}/") for other in paths)]
            removed += [path for path in in_the_way(repository, tree, paths) if path not in removed]
            files = [File(path, b"%d" % (number % 3), executable=chance.random() < 0.3) for path in paths]
            built = build_tree(repository.path, tree, files, removed)
            assert built == by_index(repository, tree, files, removed, index)
            tree = built
        assert git(repository, "fsck", "--strict", "--no-dangling") == ""
        everything = git(repository, "ls-tree", "-r", "-z", "--name-only", tree).split("\0")[:-1]
        assert build_tree(repository.path, tree, [], everything) == by_index(repository, "", [], [], index)


SUBMODULE = "1" * 40
WHO = ("-c", "user.name=Ana", "-c", "user.email=ana@home.test")


@pytest.mark.parametrize(
    ("there", "wanted", "named", "kind"),
    [
        ("a/b", "a", "a", "a folder"),
        ("x/a/b/c", "x/a", "x/a", "a folder"),
        ("a", "a/b", "a", "a file"),
        ("x/a", "x/a/b/c", "x/a", "a file"),
        ("sub", "sub", "sub", "a submodule"),
        ("x/sub", "x/sub/a/b", "x/sub", "a submodule"),
    ],
)
def test_what_is_of_another_kind_is_never_replaced(
    there: str, wanted: str, named: str, kind: str, tmp_path: Path
) -> None:
    with scratch_repository() as repository:
        mode, sha = ("160000", SUBMODULE) if "sub" in there else ("100644", blob_of(repository, b"theirs"))
        git(repository, "update-index", "--index-info", given=f"{mode} {sha}\t{there}\n", index=tmp_path / "index")
        tree = git(repository, "write-tree", "--missing-ok", index=tmp_path / "index").strip()
        with pytest.raises(RefusedError) as caught:
            build_tree(repository.path, tree, [File(wanted, b"ours"), File("other", b"ours")])
        assert (caught.value.code, caught.value.message.split(",")[0]) == ("files.kind", f"{named} is {kind}")
        commit = git(repository, *WHO, "commit-tree", "-m", "x", tree).strip()
        obstacle = repository.obstacle(commit, wanted)
        assert obstacle is not None
        assert (obstacle.path, obstacle.kind) == (named, kind)
        if kind != "a submodule":  # what the same change removes is no obstacle
            assert build_tree(repository.path, tree, [File(wanted, b"ours")], [there])


def blob_of(repository: Repository, content: bytes) -> str:
    return git(repository, "hash-object", "-w", "--stdin", given=content.decode()).strip()


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
