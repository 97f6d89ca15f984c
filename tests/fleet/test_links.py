"""Links in the trees of a fleet: not read, not written through, never replaced, and in nobody else's way."""

from __future__ import annotations

import json

import pytest

from generator.base.errors import RefusedError
from generator.clients.git import scratch_repository
from generator.clients.git.building import build_tree
from generator.template.files import File
from tests.fleet.conftest import Yard
from tests.links import commit_kinds, commit_links
from tests.test_contained import NO_PATHS


def test_a_link_in_a_stack_is_left_to_a_person_and_the_others_are_updated(yard: Yard) -> None:
    linked, away, untouched, *_ = yard.made.names
    yard.commit({"shared.hcl": yard.file(yard.path(linked, "terragrunt.hcl"))})
    links = {
        yard.path(linked, "terragrunt.hcl"): "../../shared.hcl",
        yard.path(away, "terragrunt.hcl"): "/etc/hostname",
        yard.path(untouched, "secrets"): "../../secrets",
    }
    commit_links(yard.bare, yard.world.base, links)
    completed = yard.fleet("update")
    states = yard.states(completed)
    assert [states.pop(name) for name in (linked, away)] == ["conflict", "conflict"]
    assert set(states.values()) == {"waiting"}
    for name in (linked, away):
        assert f"{yard.path(name, 'terragrunt.hcl')} is a symbolic link to" in yard.one(completed, name)["message"]
        assert yard.head(name) is None
    listed = {
        entry.path: (entry.mode, entry.sha)
        for entry in yard.bare.entries(yard.head(untouched) or "", recursive=True)
        if entry.mode == "120000"
    }
    assert set(listed) == set(links)


def test_a_folder_or_submodule_in_a_stack_is_left_to_a_person_and_the_others_are_updated(yard: Yard) -> None:
    first, second, *_ = yard.made.names
    kinds = {yard.path(first, "terragrunt.hcl"): "folder", yard.path(second, "terragrunt.hcl"): "submodule"}
    commit_kinds(yard.bare, yard.world.base, kinds)
    completed = yard.fleet("update")
    states = yard.states(completed)
    for name, kind in ((first, "folder"), (second, "submodule")):
        assert states.pop(name) in ("conflict", "failed", "refused"), completed.out
        assert f"{yard.path(name, 'terragrunt.hcl')} is a {kind}" in yard.one(completed, name)["message"]
        assert yard.head(name) is None
    assert set(states.values()) == {"waiting"}


def test_a_record_that_is_a_link_is_none(yard: Yard) -> None:
    """Where it leads could be written so that it reads as one."""
    name, *others = yard.made.names
    commit_links(yard.bare, yard.world.base, {yard.path(name, ".copier-answers.yml"): "{name: x, layer: stack}"})
    completed = yard.fleet("list", "--json")
    assert yard.states(completed).get(name, "unreadable") == "unreadable"
    assert set(others) <= set(yard.states(completed))


def test_a_stack_that_is_a_link_is_none(yard: Yard) -> None:
    name, other, *_ = yard.made.names
    folder = yard.made.prefix(name).rstrip("/")
    commit_links(yard.bare, yard.world.base, {folder: other})
    completed = yard.fleet("update")
    assert name not in yard.states(completed)
    assert yard.states(completed)[other] == "waiting"


@pytest.mark.parametrize("path", [path for path in NO_PATHS if path])
def test_a_tree_is_built_with_no_path_of_another_kind(path: str) -> None:
    with scratch_repository() as repository, pytest.raises(RefusedError) as caught:
        build_tree(repository.path, "", [File(path, b"x")])
    assert caught.value.code == "files.path"


@pytest.mark.parametrize(
    ("files", "removed"),
    [([File("link", b"x")], []), ([File("link/file", b"x")], []), ([], ["link"]), ([], ["link/file"])],
    ids=["in its place", "below it", "removed", "removed below it"],
)
def test_a_tree_is_built_over_no_link(yard: Yard, files: list[File], removed: list[str]) -> None:
    head = commit_links(yard.bare, yard.world.base, {"link": "stacks"})
    with pytest.raises(RefusedError) as caught:
        build_tree(yard.bare.path, head, files, removed)
    assert caught.value.code == "files.link"
    assert json.dumps(sorted(yard.bare.heads())) == json.dumps([yard.world.base])
