"""What is read and written below a folder stays below it, whoever filled it."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import generator
from generator.base.contained import Contained, check_plain, is_plain, linked
from generator.base.errors import RefusedError

CANARY = b"outside-canary-7141"
CODE = Path(generator.__file__).parent


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes | str]]:
    """Everything below a folder: mode, time of the last change, and the content or where a link leads."""
    found: dict[str, tuple[int, int, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        inside: bytes | str = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, inside)
    return found


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    (folder / "folder").mkdir(parents=True)
    (folder / "secret").write_bytes(CANARY)
    (folder / "folder" / "file").write_bytes(CANARY)
    return folder


@pytest.fixture
def tree(tmp_path: Path, outside: Path) -> Contained:
    root = tmp_path / "tree"
    (root / ".git" / "hooks").mkdir(parents=True)
    (root / ".git" / "config").write_bytes(CANARY)
    (root / "shared" / "deep").mkdir(parents=True)
    (root / "shared" / "file").write_bytes(b"inside")
    (root / "stacks").mkdir()
    return Contained(root)


def link(to: str) -> Callable[[Path], None]:
    return lambda place: place.symlink_to(to)


def pipe(place: Path) -> None:
    os.mkfifo(place)


def listening(place: Path) -> None:
    here = os.getcwd()
    os.chdir(place.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(place.name)
    finally:
        os.chdir(here)


# --- reading --------------------------------------------------------------------------------------------------

OUT: dict[str, tuple[str, Callable[[Path], None]]] = {
    "relative": ("x", link("../outside/secret")),
    "absolute": ("x", link("/etc/passwd")),
    "a process": ("x", link("/proc/self/environ")),
    "a device without end": ("x", link("/dev/zero")),
    "up and down again": ("x", link("shared/../../outside/secret")),
    "up through its own name": ("x", link("../tree/../outside/secret")),
    "a folder": ("x/file", link("../outside/folder")),
    "many steps up": ("x", link("../" * 60 + "etc/passwd")),
    "nowhere": ("x", link("nothing")),
    "itself": ("x", link("x")),
    "git's folder": ("x", link(".git/config")),
    "git's folder by another name": ("x", link("shared/../.GIT/config")),
    "a pipe": ("x", pipe),
    "a socket": ("x", listening),
    "a folder itself": ("x", link("shared")),
    "the root": ("x", link(".")),
}


@pytest.mark.parametrize(("path", "make"), OUT.values(), ids=OUT)
def test_nothing_outside_is_read_and_nothing_is_waited_for(
    tree: Contained, path: str, make: Callable[[Path], None]
) -> None:
    make(tree.root / "x")
    found: list[object] = []
    reader = threading.Thread(target=lambda: found.append((tree.read(path), tree.mode(path))), daemon=True)
    reader.start()
    reader.join(5)
    assert found == [(None, None)]
    assert not tree.executable(path)
    assert tree.obstacle(path) is not None
    assert all(CANARY not in (tree.read(place) or b"") for place in tree.paths())


def test_a_chain_of_links_is_followed_and_a_ring_is_not(tree: Contained) -> None:
    previous = "shared/file"
    for number in range(50):
        (tree.root / f"l{number:02}").symlink_to(previous)
        previous = f"l{number:02}"
    (tree.root / "one").symlink_to("two")
    (tree.root / "two").symlink_to("one")
    assert tree.read("l00") == tree.read("l39") == b"inside"
    assert tree.read("l49") is None  # more than the system follows
    assert tree.read("one") is None


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("stacks/x", "../shared/file"),
        ("x", "shared/deep/../file"),
        ("x", "./shared//file"),
        ("stacks/secrets/file", "../shared"),
        ("x", "stacks/../shared/./file"),
    ],
)
def test_what_stays_inside_is_read(tree: Contained, path: str, to: str) -> None:
    """The infra repository has many such links, as ``stacks/NAME/secrets``."""
    place = tree.root / ("stacks/secrets" if path.startswith("stacks/secrets") else path)
    place.symlink_to(to)
    assert tree.read(path) == b"inside"
    found = tree.obstacle(path)
    assert found is not None
    assert (found.path, found.text) == (str(place.relative_to(tree.root)), to.encode())


@pytest.mark.parametrize("to", ["../outside", "../../outside", "/", "shared"])
def test_links_are_listed_and_not_entered(tree: Contained, to: str) -> None:
    (tree.root / "stacks" / "x").symlink_to(to)
    assert tree.paths("stacks") == ["stacks/x"]
    assert tree.paths("stacks/x") == []
    assert tree.folders("stacks") == []
    assert not tree.is_folder("stacks/x")


def test_git_and_what_is_too_deep_is_not_listed(tree: Contained) -> None:
    deepest = tree.root.joinpath(*["d"] * 300)
    deepest.mkdir(parents=True)
    (deepest / "file").write_bytes(b"")
    assert tree.paths() == ["shared/file"]
    assert tree.read("/".join(["d"] * 300 + ["file"])) is None


# --- paths ----------------------------------------------------------------------------------------------------

NO_PATHS = [
    "", "/etc/passwd", "../outside/secret", "shared/../../outside/secret", "a//b", "a/./b", "a/", "nul\0l",
    ".git/hooks/post-commit", ".GIT/config", "a/.Git/config", "git~1/config", "GIT~2/x", ".git./config", ".git /config",
    ".git::$INDEX_ALLOCATION/x", ".g\u200cit/config", "\ufeff.git/config", "a/" * 150 + "b",
]  # fmt: skip


@pytest.mark.parametrize("path", NO_PATHS)
def test_what_is_no_path_in_a_tree_is_neither_read_nor_written(tree: Contained, outside: Path, path: str) -> None:
    before = snapshot(tree.root), snapshot(outside)
    assert tree.read(path) is None
    assert tree.mode(path) is None
    assert tree.obstacle(path) is not None
    for act in (lambda: tree.write(path, b"x"), lambda: tree.remove(path), lambda: check_plain(path)):
        with pytest.raises(RefusedError) as caught:
            act()
        assert caught.value.code == "files.path"
    assert not tree.remove_folder(path)
    assert (snapshot(tree.root), snapshot(outside)) == before


@pytest.mark.parametrize("path", ["a", ".github/workflows/build.yml", ".gitignore", "git", "a..b/..c", "x.git", "gi~1"])
def test_what_only_looks_like_it_is_one(path: str) -> None:
    assert is_plain(path)


# --- writing --------------------------------------------------------------------------------------------------

THROUGH: dict[str, tuple[str, str, str]] = {
    "the file itself": ("x", "x", "../outside/secret"),
    "a new file outside": ("x", "x", "../outside/new"),
    "nowhere": ("x", "x", "nowhere"),
    "itself": ("x", "x", "x"),
    "its folder": ("x/file", "x", "../outside/folder"),
    "its folder, absolute": ("x/file", "x", "{outside}/folder"),
    "a folder far above": ("stacks/x/a/b/c", "stacks/x", "../../outside"),
    "one that stays inside": ("x", "x", "shared/file"),
    "a folder that stays inside": ("stacks/secrets/file", "stacks/secrets", "../shared"),
    "git's hooks": ("x/post-commit", "x", ".git/hooks"),
    "the root": ("x/new", "x", "."),
    "a device": ("x", "x", "/dev/null"),
}


@pytest.mark.parametrize(("path", "at", "to"), THROUGH.values(), ids=THROUGH)
def test_nothing_is_written_through_a_link(tree: Contained, outside: Path, path: str, at: str, to: str) -> None:
    (tree.root / at).symlink_to(to.format(outside=outside))
    draft = tree.root / "draft"
    draft.write_bytes(b"draft")
    before = snapshot(tree.root), snapshot(outside)
    for act in (
        lambda: tree.write(path, b"x"),
        lambda: tree.overwrite(path, b"x"),
        lambda: tree.move_in(draft, path),
        lambda: tree.remove(path),
    ):
        with pytest.raises(RefusedError) as caught:
            act()
        assert caught.value.code == "files.link"
        assert f"{at} is a symbolic link to" in caught.value.message
    assert not tree.remove_folder(at)
    assert (snapshot(tree.root), snapshot(outside)) == before


@pytest.mark.parametrize("make", [pipe, listening], ids=["pipe", "socket"])
def test_what_is_no_file_stays(tree: Contained, make: Callable[[Path], None]) -> None:
    make(tree.root / "x")
    with pytest.raises(RefusedError) as caught:
        tree.write("x", b"")
    assert caught.value.code == "files.kind"
    assert (tree.root / "x").exists()


def test_another_name_of_a_file_keeps_its_content(tree: Contained, outside: Path) -> None:
    """A hard link: the file is replaced, not written into."""
    os.link(outside / "secret", tree.root / "x")
    tree.write("x", b"new")
    assert (outside / "secret").read_bytes() == CANARY
    assert tree.read("x") == b"new"


@pytest.mark.parametrize("at", ["x", "x/y", "x/y/z"])
def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(
    tree: Contained, outside: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """At every moment between looking and writing: what was looked at is what is written to."""
    (tree.root / "x" / "y" / "z").mkdir(parents=True)
    place, opened = tree.root / at, os.open

    def swapped(path: object, *rest: object, **more: object) -> int:
        if path == place.name and not place.is_symlink():
            place.rename(tree.root / f"moved-{place.name}")
            place.symlink_to(outside)
        return opened(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", swapped)
    before = snapshot(outside)
    with pytest.raises(RefusedError):
        tree.write("x/y/z/file", b"x")
    assert snapshot(outside) == before


def test_a_file_is_written_whole_with_the_folders_that_it_needs(tree: Contained) -> None:
    assert tree.write("a/b/c", b"one", 0o755) == ("a", "a/b")
    assert (tree.read("a/b/c"), tree.mode("a/b/c"), tree.executable("a/b/c")) == (b"one", 0o755, True)
    assert tree.write("a/b/c", b"two", 0o600) == ()
    assert (tree.read("a/b/c"), tree.mode("a/b/c")) == (b"two", 0o600)
    tree.overwrite("a/b/c", b"2")
    assert (tree.read("a/b/c"), tree.mode("a/b/c")) == (b"2", 0o600)
    tree.remove("a/b/c")
    tree.remove("a/b/c")
    tree.prune("a/b/c")
    assert sorted(os.listdir(tree.root)) == [".git", "shared", "stacks"]


# --- roots ----------------------------------------------------------------------------------------------------


@pytest.fixture
def roots(tmp_path: Path, outside: Path) -> Path:
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "services").symlink_to(outside)
    (tmp_path / "mount").symlink_to(tmp_path / "repository")
    return tmp_path


@pytest.mark.parametrize(
    ("place", "at"),
    [
        ("repository/services", "repository/services"),
        ("repository/services/reader", "repository/services"),
        ("mount/services/reader", "mount/services"),
        ("mount", "mount"),
        ("mount/reader", None),
        ("repository/reader", None),
        ("outside/reader", None),
    ],
)
def test_links_in_a_repository_lead_to_no_root(roots: Path, place: str, at: str | None) -> None:
    """Those above it are how a machine is arranged."""
    folder = roots
    found = linked(folder / place)
    assert (found.path if found else None) == (str(folder / at) if at else None)
    tree = Contained.at(folder / place)
    if at:
        assert tree.read("secret") is None
        assert tree.paths() == []
        before = snapshot(folder)
        with pytest.raises(RefusedError) as caught:
            tree.write("new", b"")
        assert caught.value.code == "files.link"
        assert snapshot(folder) == before


def test_links_in_a_home_that_is_a_repository_are_the_person_s(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many keep their dotfiles so. What is cloned below is a repository of its own."""
    monkeypatch.setenv("HOME", str(roots))
    (roots / ".git").mkdir()
    assert linked(roots / "mount" / "reader") is None
    found = linked(roots / "mount" / "services" / "reader")
    assert found is not None
    assert found.path == str(roots / "mount" / "services")


def test_no_module_reads_or_writes_trees_in_another_way() -> None:
    """Modules that work on trees of others: none opens a file by its path."""
    own = re.compile(r"\.(read_bytes|read_text|write_bytes|write_text|rglob|is_file|symlink_to|copy2|copytree)\(")
    working = ("engine/files_only.py", "lifecycle/update/checkout.py", "lifecycle/update/journal.py")
    assert [
        name for name in (*working, "infra_repo/trees.py") if own.search((CODE / name).read_text(encoding="utf-8"))
    ] == []
