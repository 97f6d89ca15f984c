"""No program that a clone, its attributes or its person's configuration names runs while newservice looks at it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.base.errors import NewserviceError
from generator.clients.git import Repository
from generator.clients.objects import Objects
from generator.template.files import File
from tests.answers import SMALLEST, UPSTREAM
from tests.checkout import commit_all, git
from tests.hostile import add_submodule, arm, touch
from tests.world import World

NAME = str(UPSTREAM["name"])


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    place = tmp_path / "clone"
    for name in ("main.tf", "README.md", "terragrunt.hcl", "folder/file.txt"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("first\n" * 20)
    commit_all(place, "first")
    for branch, text in (("one", "one\n"), ("two", "two\n")):
        git(place, "checkout", "--quiet", "-B", branch, "master")
        (place / "main.tf").write_text("first\n" * 10 + text + "first\n" * 10)
        commit_all(place, branch)
    git(place, "checkout", "--quiet", "master")
    return place


def ids(clone: Path) -> list[str]:
    """The commits of both branches, without asking git, which would run an alias."""
    return [(clone / ".git" / "refs" / "heads" / name).read_text().strip() for name in ("one", "two")]


def versions(*texts: str) -> tuple[File | None, File | None, File | None]:
    base, ours, theirs = (File("main.tf", f"{text}\n".encode()) for text in texts)
    return base, ours, theirs


LOOKS: dict[str, Callable[[Objects], object]] = {
    "open": lambda objects: Repository.around(objects.path / "folder"),
    "dirty": lambda objects: objects.dirty(["."]),
    "filtered": lambda objects: objects.filtered(["main.tf", "README.md"]),
    "hidden": lambda objects: objects.hidden(["."]),
    "merge": lambda objects: objects.merge(*ids(objects.path)),
    "read": lambda objects: objects.file(objects.head() or "", "main.tf"),
    "list": lambda objects: objects.entries("HEAD"),
    "log": lambda objects: objects.own_commits("one", "two"),
    "changes": lambda objects: objects.changes("one", "two"),
    "fit": lambda objects: objects.unfit,
    "remotes": lambda objects: (objects.remotes(), objects.branch(), objects.shallow),
    "commit": lambda objects: objects.commit_onto("one", [File("new.tf", b"x\n")], "feat: new"),
    "reset": lambda objects: objects.reset_index(["main.tf"]),
    "unmerged": lambda objects: objects.mark_unmerged({"main.tf": versions("a", "b", "c")}),
    "switch": lambda objects: objects.switch("three", ids(objects.path)[0]),
}


@pytest.mark.parametrize("look", LOOKS)
def test_no_program_of_a_clone_runs(clone: Path, tmp_path: Path, look: str) -> None:
    mark = arm(clone, tmp_path / "tools")
    opened = Repository.open(clone)
    assert opened is not None
    LOOKS[look](Objects.of(opened))
    opened.close()
    assert not mark.exists(), mark.read_text()


def test_git_itself_runs_them(clone: Path, tmp_path: Path) -> None:
    """Else the tests above would show nothing."""
    mark = arm(clone, tmp_path / "tools")
    for words in (["status"], ["log", "-1", "-p", "one"], ["diff", "one", "two"], ["merge", "one"]):
        subprocess.run(["git", *words], cwd=clone, capture_output=True)
    ran = mark.read_text()
    wanted = ("clean", "smudge", "process", "included", "fsmonitor", "textconv", "command", "reference-transaction")
    assert [word for word in wanted if word not in ran] == []


def test_a_submodule_is_not_asked(clone: Path, tmp_path: Path) -> None:
    """A git in there would have the submodule's own settings. That it is at another commit is seen."""
    mark = add_submodule(clone, tmp_path / "tools")
    opened = Repository.open(clone)
    assert opened is not None
    assert opened.dirty(["."]) == []
    assert not mark.exists(), mark.read_text()
    git(clone / "vendored", "commit", "--quiet", "--allow-empty", "-m", "second")
    assert opened.dirty(["."]) == ["vendored"]
    opened.close()


@pytest.mark.parametrize(
    "address", ["ext::{program} ext", "ssh://nowhere.test/x", "{folder}/other", "file://{folder}/other"]
)
def test_an_object_that_a_partial_clone_lacks_is_not_fetched(clone: Path, tmp_path: Path, address: str) -> None:
    mark = arm(clone, tmp_path / "tools")
    blob = git(clone, "rev-parse", "one:main.tf").strip()
    (clone / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    git(clone, "config", "core.repositoryFormatVersion", "1")
    git(clone, "config", "extensions.partialClone", "origin")
    program = mark.with_name("program")
    git(clone, "config", "remote.origin.url", address.format(program=program, folder=tmp_path))
    git(clone, "config", "remote.origin.promisor", "true")
    git(clone, "config", "remote.origin.uploadpack", f"{program} upload")
    opened = Repository.open(clone)
    assert opened is not None
    with pytest.raises(NewserviceError):
        opened.file(ids(clone)[0], "main.tf")
    with pytest.raises(NewserviceError):
        opened.merge(*ids(clone))
    opened.close()
    assert not mark.exists(), mark.read_text()


def test_no_program_runs_under_any_command(world: World) -> None:
    """And no command minds: the clone is as it was committed."""
    clone = world.sandbox.infra
    assert world.run("create", UPSTREAM).code == 0
    git(clone, "reset", "--quiet", "--hard", world.infra.bare.heads()[f"newservice/{NAME}"])
    world.merge(NAME)
    stack = clone / world.platform.infra.stacks / NAME
    mark = arm(clone, world.folder / "tools")
    new = world.arguments("plan", SMALLEST)[1:]
    lines = [
        ["plan", *new],
        ["create", "--dry-run", *new],
        ["status", NAME, "--platform", str(world.sandbox.profile), "--infra", str(clone), "--json"],
        ["verify", NAME, "--platform", str(world.sandbox.profile), "--infra", str(clone), "--json"],
        ["update", "--check", str(stack), "--platform", str(world.sandbox.profile), "--json"],
        ["doctor", "--platform", str(world.sandbox.profile), "--infra", str(clone), "--json"],
        ["fleet", "status", "--platform", str(world.sandbox.profile), "--infra", str(clone), "--json"],
        ["fleet", "status", "--offline", "--platform", str(world.sandbox.profile), "--infra", str(clone), "--json"],
        ["create", *new],
    ]
    for line in lines:
        touch(clone)
        completed = world.tell(line)
        assert not mark.exists(), (line, mark.read_text())
        assert not completed.of("error"), (line, completed)
