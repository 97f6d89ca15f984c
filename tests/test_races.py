"""Several runs at once: for one name, for many names, and what merging one does to the others."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from generator.clients.transport import http_client
from generator.engine.project import Project
from generator.infra_repo.entries import compare_registrations
from generator.platform.profile import load_platform
from tests.answers import RICH, TEMPLATE, UPSTREAM, answer
from tests.full import few, full
from tests.world import World

NAMES = [f"reader-{number}" for number in range(8)]


def service(name: str, **more: Any) -> dict[str, Any]:
    return {**UPSTREAM, "name": name, "database": "postgres", "port": 8080, **more}


class Tree:
    """A commit of the infra repository on the forge."""

    def __init__(self, world: World, ref: str) -> None:
        self._world, self._ref = world, ref

    def read(self, path: str) -> bytes | None:
        return self._world.infra.bare.file(self._ref, path)

    def executable(self, path: str) -> bool:
        return False

    def obstacle(self, path: str) -> None:
        """Nothing is in the way of a file."""


def merge(world: World, name: str) -> int:
    """Merge a service's pull request as a person does; the forge's answer."""
    platform = load_platform(TEMPLATE.platform, world.sandbox.profile, {})
    number = next(item.number for item in world.infra.pulls.values() if item.head == f"newservice/{name}")
    headers = {"Authorization": f"token {world.sandbox.tokens.forgejo}"}
    with http_client(platform, "forgejo", headers, "/api/v1") as client:
        path = f"/repos/{world.infra.full_name}/pulls/{number}/merge"
        return client.post(path, json={"Do": "merge", "delete_branch_after_merge": True}).status_code


def commit(world: World, name: str, path: str, content: bytes) -> None:
    """What a reviewer commits to the branch of a service."""
    world.infra.bare.commit_files(f"newservice/{name}", {path: content}, "docs: say more", 1_790_000_000)


def registrations(world: World, name: str, ref: str) -> dict[str, str]:
    """How each registration of a service stands in a commit."""
    project = Project(TEMPLATE, world.platform, answer(service(name)), world.folder / name)
    return {item.id: item.action for item in compare_registrations(project.registrations, Tree(world, ref))}


@full
def test_eight_names_at_once_and_each_is_registered_exactly_once(world: World) -> None:
    processes = [world.start("create", service(name)) for name in NAMES]
    completed = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, completed
    for name in NAMES:
        assert world.asked(name)["infra commits"] == 1
        assert world.asked(name)["pull requests"] == [(f"newservice/{name}", "open")]
        assert set(registrations(world, name, f"newservice/{name}").values()) == {"present"}

    assert merge(world, NAMES[0]) == 200
    assert merge(world, NAMES[1]) == 409  # both added to the same places
    for name in NAMES[1:]:
        brought_up = world.run("create", service(name))
        assert brought_up.code == 0, brought_up.out
        (commit,) = [item for item in brought_up.of("step") if item["id"] == "infra.commit"]
        assert "mergeable again" in commit["summary"]
        assert world.run("create", service(name)).result["status"] == "unchanged"
        assert merge(world, name) == 200
    for name in NAMES:
        assert set(registrations(world, name, world.base).values()) == {"present"}
        catalogue = Tree(world, world.base).read(".claude/reference/service-catalog.md") or b""
        rows = [line for line in catalogue.splitlines() if line.startswith(f"| {name} |".encode())]
        assert len(rows) == 1


def test_a_branch_that_was_brought_up_is_still_newservices_to_remove(world: World) -> None:
    first, second = NAMES[:2]
    for name in (first, second):
        assert world.run("create", service(name)).code == 0
    assert merge(world, first) == 200
    assert world.run("create", service(second)).code == 0
    removed = world.command("remove", second, "--yes")
    assert removed.result["status"] == "success", removed.out
    assert f"newservice/{second}" not in world.infra.bare.heads()


def test_a_reviewers_commit_is_kept_when_a_branch_is_brought_up(world: World) -> None:
    first, second = NAMES[:2]
    for name in (first, second):
        assert world.run("create", service(name)).code == 0
    world.infra.bare.commit_files(
        f"newservice/{second}", {"stacks/dbaas/reviewed.md": b"seen\n"}, "docs: a note", 1_790_000_000
    )
    assert merge(world, first) == 200
    assert world.run("create", service(second)).code == 0
    assert Tree(world, f"newservice/{second}").read("stacks/dbaas/reviewed.md") == b"seen\n"
    assert set(registrations(world, second, f"newservice/{second}").values()) == {"present"}
    assert merge(world, second) == 200


def test_an_edit_of_a_reviewer_in_a_place_that_conflicts_is_left_to_people(world: World) -> None:
    first, second = NAMES[:2]
    for name in (first, second):
        assert world.run("create", service(name)).code == 0
    place = ".claude/reference/service-catalog.md"
    seen = Tree(world, f"newservice/{second}").read(place) or b""
    edited = seen.replace(b"Reads feeds", b"Reads feeds, quickly")
    assert edited != seen
    commit(world, second, place, edited)
    assert merge(world, first) == 200
    before = world.infra.bare.heads()
    completed = world.run("create", service(second))
    assert completed.code == 4
    assert "by hand" in completed.of("error")[0]["hint"]
    assert world.infra.bare.heads() == before


@pytest.mark.parametrize("path", few(1, ["scripts/notes.txt", "scripts/check-allowed-groups.py"]))
def test_edits_by_people_that_conflict_are_found_before_anything_is_written(world: World, path: str) -> None:
    """Beside entries in one place, which newservice enters again, a file that is none of a registration's."""
    first, second = NAMES[0], str(RICH["name"])
    assert world.run("create", service(first)).code == 0
    assert world.run("create", RICH).code == 0
    assert merge(world, first) == 200
    commit(world, second, path, b"ours\n")
    world.infra.bare.commit_files(world.base, {path: b"theirs\n"}, "docs: say more", 1_790_000_000)
    world.mirror(second).secrets.clear()
    world.sandbox.journal.clear()
    completed = world.run("create", RICH)
    (error,) = completed.of("error")
    assert (completed.code, error["code"]) == (4, "infra.commit.refused"), completed.out
    assert path in error["message"]
    assert not world.sandbox.journal.writes()


def test_two_that_pick_the_same_index_at_once_end_with_one_each(world: World) -> None:
    """Both have looked before either has pushed: the later one gives way and picks anew."""
    given = [{**service(name), "database": "none", "redis": True} for name in NAMES[:2]]
    world.meet("forgejo", "POST", r"/infra(\.git)?/git-receive-pack$")
    processes = [world.start("create", item) for item in given]
    completed = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], completed
    picked = []
    for name in NAMES[:2]:
        recorded = Tree(world, f"newservice/{name}").read(f"stacks/{name}/.copier-answers.yml")
        picked.append(yaml.safe_load(recorded or b"")["redis_index"])
    assert sorted(picked) == [0, 1]
    for item in given:
        assert world.run("create", item).result["status"] == "unchanged"
