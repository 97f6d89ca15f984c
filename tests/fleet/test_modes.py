"""Executable bits in commits that are built from objects: merged, and seen where someone changed only them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.conftest import Yard
from tests.modes import chmod, modes
from tests.upgrade.releases import Next, add_release, append

FIRST, SECOND = "app-000", "app-001"
MODE_ALONE, CONTENT, NEW = "deployment.tf", "service.tf", "hello"


def change_modes(root: Path) -> None:
    """A file of every stack becomes executable, one gets other content, and a script is new."""
    stack = root / "templates" / "stack"
    (stack / f"{MODE_ALONE}.jinja").chmod(0o755)
    append(stack / f"{CONTENT}.jinja", "\n# of the template\n")
    (stack / NEW).write_text("#!/bin/sh\n", encoding="utf-8")
    (stack / NEW).chmod(0o755)


@pytest.fixture(scope="module", name="_release")
def release(tmp_path_factory: pytest.TempPathFactory) -> Next:
    return add_release(tmp_path_factory.mktemp("next"), change_modes)


def test_bits_are_merged_apart_from_contents(yard: Yard) -> None:
    theirs = {yard.path(FIRST, CONTENT): "+x", yard.path(FIRST, "main.tf"): "+x", yard.path(SECOND, MODE_ALONE): "+x"}
    chmod(yard.bare, yard.world.folder, yard.world.base, theirs)
    status = yard.fleet("status")
    assert yard.one(status, FIRST)["message"].startswith("2 files changed by hand")

    done = yard.fleet("update")
    assert done.code == 0, done.out
    for name in (FIRST, SECOND):
        head = yard.head(name)
        assert head
        found = modes(yard.bare, head)
        assert found[yard.path(name, MODE_ALONE)]
        assert found[yard.path(name, NEW)]
        assert b"# of the template" in (yard.bare.file(head, yard.path(name, CONTENT)) or b"")
    first = modes(yard.bare, yard.head(FIRST) or "")
    assert first[yard.path(FIRST, CONTENT)]
    assert first[yard.path(FIRST, "main.tf")]
    changed = {item["path"]: item["action"] for item in yard.one(done, FIRST)["files"]}
    assert changed[yard.path(FIRST, MODE_ALONE)] == "update"

    yard.merge(FIRST)
    again = yard.fleet("status")
    assert yard.one(again, FIRST)["version"] == yard.one(again, FIRST)["to"]


def test_a_branch_of_which_someone_changed_only_modes_is_theirs(yard: Yard) -> None:
    """The commit was amended, with its message: nothing but its seal tells."""
    assert yard.fleet("update").code == 0
    branch = next(name for name, head in yard.bare.heads().items() if head == yard.head(FIRST))
    chmod(yard.bare, yard.world.folder, branch, {yard.path(FIRST, NEW): "-x"}, amend=True)
    theirs = yard.head(FIRST)
    yard.commit(
        {yard.path(FIRST, "terragrunt.hcl"): b"# by hand\n" + yard.file(yard.path(FIRST, "terragrunt.hcl")).encode()}
    )
    done = yard.fleet("update")
    assert yard.head(FIRST) == theirs
    assert (yard.one(done, FIRST)["state"], "commits of others" in yard.one(done, FIRST)["message"]) == (
        "waiting",
        True,
    )
