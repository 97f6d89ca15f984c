"""Files that git stores through a filter: none runs, none that a service leaves alone matters, none is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.base.errors import RefusedError
from generator.clients.git import Repository
from generator.template.files import File
from tests.answers import RICH, SMALLEST, UPSTREAM
from tests.checkout import commit_all, git
from tests.filters import ATTRIBUTES, SEALED, lock, seal
from tests.hostile import touch
from tests.invoke import Desk
from tests.world import World

both = pytest.mark.parametrize("locked", [False, True], ids=["unlocked", "locked"])
NAME = str(RICH["name"])
CATALOG = ".claude/reference/service-catalog.md"


def sealed(clone: Path, folder: Path, *, locked: bool, attributes: str = ATTRIBUTES) -> Path:
    mark = seal(clone, folder, attributes)
    if locked:
        lock(clone)
    mark.unlink(missing_ok=True)
    return mark


@both
def test_files_only_are_written_beside_what_is_sealed(desk: Desk, tmp_path: Path, locked: bool) -> None:
    mark = sealed(desk.infra, tmp_path / "tools", locked=locked)
    before = {path: (desk.infra / path).read_bytes() for path in SEALED}
    assert desk.create(RICH, command="plan").code == 0
    completed = desk.create(RICH)
    assert completed.result["status"] == "success", completed
    assert not mark.exists(), mark.read_text()
    assert {path: (desk.infra / path).read_bytes() for path in SEALED} == before


@both
def test_every_command_works_beside_what_is_sealed(world: World, tmp_path: Path, locked: bool) -> None:
    clone = world.sandbox.infra
    mark = sealed(clone, tmp_path / "tools", locked=locked)
    git(clone, "push", "--quiet", str(world.infra.bare.path), f"HEAD:refs/heads/{world.base}")
    assert world.run("create", UPSTREAM).code == 0
    assert world.run("status", UPSTREAM, str(UPSTREAM["name"])).code == 0
    name = str(UPSTREAM["name"])
    tip = world.infra.bare.heads()[f"newservice/{name}"]
    for path in SEALED:  # they are as they were, and not as this clone's files
        assert git(clone, "rev-parse", f"{tip}:{path}") == git(clone, "rev-parse", f"HEAD:{path}")
    world.merge(name)
    for line in (["doctor"], ["fleet", "status"], ["fleet", "status", "--offline"], ["verify", name]):
        completed = world.command(*line)
        assert not completed.of("error"), (line, completed)
        assert not any(item.get("state") == "dirty" for item in completed.events)
    assert not mark.exists(), mark.read_text()


@both
def test_an_entry_in_a_sealed_file_is_refused_with_what_to_write(desk: Desk, tmp_path: Path, locked: bool) -> None:
    mark = sealed(desk.infra, tmp_path / "tools", locked=locked, attributes=f"{ATTRIBUTES}*.md filter=git-crypt\n")
    before = desk.snapshot()
    completed = desk.create(RICH)
    (error,) = completed.of("error")
    assert completed.code == 4, completed
    if not locked:  # else its content says so
        assert error["code"] == "registration.filtered"
        assert "git-crypt" in error["message"]
        assert CATALOG in error["message"]
        assert f"`{NAME}`" in error["hint"] or f"**{NAME}**" in error["hint"] or f"| {NAME} |" in error["hint"]
    assert desk.snapshot() == before
    assert not mark.exists(), mark.read_text()


def test_an_entry_in_a_sealed_file_is_refused_before_anything_is_created(world: World) -> None:
    """What git has is text here: someone sealed the folder later, or by mistake."""
    clone = world.sandbox.infra
    (clone / ".gitattributes").write_text("*.md filter=git-crypt\n")
    commit_all(clone, "chore: sealed")
    git(clone, "push", "--quiet", str(world.infra.bare.path), f"HEAD:refs/heads/{world.base}")
    before = world.infra.bare.heads()
    completed = world.run("create", SMALLEST)
    assert completed.code == 4, completed
    assert "git-crypt" in completed.out
    assert "done" not in {step["status"] for step in completed.of("step")}
    assert world.infra.bare.heads() == before


@pytest.mark.parametrize("rule", ["stacks/** filter=lfs", "*.tf filter=git-crypt", "**/terragrunt.hcl filter=x"])
def test_a_stack_in_a_sealed_folder_is_not_written(desk: Desk, rule: str) -> None:
    (desk.infra / ".gitattributes").write_text(f"{rule}\n")
    commit_all(desk.infra, "chore: sealed")
    before = desk.snapshot()
    completed = desk.create(RICH)
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) in ((4, "git.filtered"), (4, "registration.filtered"))
    assert desk.snapshot() == before


def test_the_clone_s_own_attributes_count_for_what_is_written_into_it(desk: Desk) -> None:
    (desk.infra / ".git" / "info").mkdir(exist_ok=True)
    (desk.infra / ".git" / "info" / "attributes").write_text(f"/stacks/{NAME}/main.tf filter=mine\n")
    before = desk.snapshot()
    completed = desk.create(RICH)
    assert (completed.code, completed.of("error")[0]["code"]) == (4, "git.filtered")
    assert desk.snapshot() == before


COMMITS = {
    "created": (".gitattributes", "*.tfvars filter=git-crypt\n", "new/a.tfvars", True),
    "below": ("new/.gitattributes", "* filter=git-crypt\n", "new/deep/a", True),
    "only beside": ("old/.gitattributes", "* filter=git-crypt\n", "new/deep/a", False),
    "excepted": (".gitattributes", "* filter=git-crypt\n/new/** -filter\n", "new/deep/a", False),
    "only there": ("new/.gitattributes", "/a filter=git-crypt\n", "new/deep/a", False),
}


@pytest.mark.parametrize("case", COMMITS)
def test_no_commit_holds_plain_content_of_what_is_sealed(tmp_path: Path, case: str) -> None:
    """Whatever is checked out: the commit's own attributes count."""
    place, text, path, refused = COMMITS[case]
    clone = tmp_path / "clone"
    (clone / place).parent.mkdir(parents=True)
    (clone / place).write_text(text)
    base = commit_all(clone, "sealed")
    (clone / place).unlink()
    commit_all(clone, "opened")
    opened = Repository.open(clone)
    assert opened is not None
    make: Callable[[], str] = lambda: opened.commit_onto(base, [File(path, b"plain words\n")], "feat: new")  # noqa: E731
    if refused:
        with pytest.raises(RefusedError, match="git-crypt") as caught:
            make()
        assert caught.value.code == "git.filtered"
        stored = git(clone, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectsize)")
        assert "blob 12" not in stored.splitlines()
    else:
        assert opened.file(make(), path) == b"plain words\n"
    opened.close()


@both
def test_what_is_really_changed_is_still_seen(tmp_path: Path, locked: bool) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "plain.txt").write_text("first\n")
    commit_all(clone, "first")
    mark = sealed(clone, tmp_path / "tools", locked=locked)
    opened = Repository.open(clone)
    assert opened is not None
    assert opened.dirty(["."]) == []
    (clone / "plain.txt").write_text("second\n")
    (clone / "secrets" / "new.yml").write_text("new\n")
    (clone / "secrets" / "keys.yml").unlink()
    touch(clone)
    assert opened.dirty(["."]) == ["plain.txt", "secrets/keys.yml", "secrets/new.yml"]
    assert opened.dirty(["secrets/deep"]) == []
    assert not mark.exists(), mark.read_text()
    opened.close()


@pytest.mark.parametrize("name", ["", "a.b.clean", "set", "Mixed-Case"])
@pytest.mark.parametrize("key", ["clean", "process"])
def test_a_filter_of_an_odd_name_does_not_run_either(tmp_path: Path, name: str, key: str) -> None:
    """An empty name is one: git runs ``[filter ""]`` for ``filter=``."""
    clone, mark = tmp_path / "clone", tmp_path / "ran"
    clone.mkdir()
    (clone / "a.txt").write_text("first\n")
    (clone / ".gitattributes").write_text(f"* filter={name}\n")
    commit_all(clone, "first")
    with (clone / ".git" / "config").open("a") as config:
        config.write(f'[filter "{name}"]\n\t{key} = "touch {mark}; cat"\n')
    touch(clone)
    opened = Repository.open(clone)
    assert opened is not None
    opened.dirty(["."])
    opened.reset_index(["a.txt"])
    opened.close()
    assert not mark.exists()
