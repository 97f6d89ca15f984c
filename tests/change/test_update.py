"""A change and an update of one service that wait for review at the same time, merged in either order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.fleet.source import update_branch
from tests.answers import SMALLEST, UPSTREAM
from tests.change.forge import PREFIX, change, files, merge, merge_all, repositories
from tests.full import few, full
from tests.upgrade.releases import NEXT, Next, add_release, install
from tests.world import World

WANTED = "9000"


def _new_files(root: Path) -> None:
    """A new file in either tree that shows an answer; a change knows nothing of it, an update nothing of the answer."""
    (root / "templates" / "stack" / "shown.md.jinja").write_text("[[ name ]]: [[ port ]]\n", encoding="utf-8")
    for language in ("python", "go", "svelte", "static"):
        place = root / "templates" / "service" / language / "shown.md.jinja"
        place.write_text("[[ name ]]: [[ port ]]\n", encoding="utf-8")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Next:
    return add_release(tmp_path_factory.mktemp("next"), _new_files)


kinds = pytest.mark.parametrize(
    "given", few(1, [{**UPSTREAM, "port": 8080}, {**SMALLEST, "port": 8080}]), ids=["upstream", "owned"]
)


def begin(world: World, monkeypatch: pytest.MonkeyPatch, release: Next, given: dict[str, Any]) -> str:
    """A service whose update and whose change wait for review."""
    name = str(given["name"])
    assert world.run("create", given).code == 0
    world.merge(name)
    install(monkeypatch, release)
    done = change(world, name, "--port", WANTED)
    assert done.code == 0, done.out
    done = world.command("fleet", "update")
    assert done.code == 0, done.out
    return name


def is_whole(world: World, name: str, count: int) -> None:
    """The trees have the new version with the new answer, and nothing is left to be done."""
    places = repositories(world, name)
    assert len(places) == count
    for found in places:
        prefix = world.platform.infra.stack(name) if found is world.infra else ""
        assert files(found)[f"{prefix}shown.md"] == f"{name}: {WANTED}\n".encode()
        recorded = yaml.safe_load(found.bare.file(found.default_branch, f"{prefix}.copier-answers.yml") or b"")
        assert (recorded["_commit"].lstrip("v"), recorded["port"]) == (NEXT, int(WANTED))
    assert world.command("status", name).result["status"] == "unchanged"
    assert change(world, name, "--port", WANTED).result["status"] == "unchanged"
    trees = world.command("fleet", "status").of("service")
    assert [(item["state"], item["files"]) for item in trees] == [("current", [])] * count


def merge_update(world: World, name: str) -> None:
    for found in repositories(world, name):
        if update_branch(name) in found.bare.heads():
            merge(world, found, update_branch(name))


@pytest.mark.parametrize(
    "given", few(1, [{**UPSTREAM, "port": 8080}, {**SMALLEST, "port": 8080}]), ids=["upstream", "owned"]
)
def test_the_update_is_merged_first(
    world: World, monkeypatch: pytest.MonkeyPatch, release: Next, given: dict[str, Any]
) -> None:
    name = begin(world, monkeypatch, release, given)
    merge_update(world, name)
    assert world.command("status", name).result["next"] == [f"newservice change {name}"]
    done = change(world, name)
    assert done.code == 0, done.out
    assert world.command("status", name).result["status"] == "unchanged"
    merge_all(world, name)
    is_whole(world, name, len(repositories(world, name)))


@pytest.mark.parametrize(
    "given", few(1, [{**UPSTREAM, "port": 8080}, {**SMALLEST, "port": 8080}]), ids=["upstream", "owned"]
)
def test_the_change_is_merged_first(
    world: World, monkeypatch: pytest.MonkeyPatch, release: Next, given: dict[str, Any]
) -> None:
    name = begin(world, monkeypatch, release, given)
    merge_all(world, name)
    done = world.command("fleet", "update")
    assert done.code == 0, done.out
    assert {item["action"] for item in done.of("service")} == {"updated"}
    merge_update(world, name)
    is_whole(world, name, len(repositories(world, name)))


@full
def test_a_merged_memory_is_kept_by_a_change_that_waits(world: World) -> None:
    """Other answers that reached the default branch meanwhile are not those that the waiting branch records."""
    assert world.run("create", {**UPSTREAM, "port": 8080, "env": {"A": "1", "B": "1"}}).code == 0
    world.merge("reader")
    assert change(world, "reader", "--memory", "1Gi", "--env", "A=2").code == 0
    (branch, head) = (f"{PREFIX}reader", world.infra.bare.heads()[f"{PREFIX}reader"])
    world.infra.bare.delete(f"refs/heads/{branch}")
    world.infra.pulls.clear()
    assert change(world, "reader", "--port", WANTED, "--unset", "env.B").code == 0
    world.infra.bare.update("refs/heads/by-hand", head)
    merge(world, world.infra, "by-hand")
    assert change(world, "reader").code == 0
    merge_all(world, "reader")
    content = world.infra.bare.file(world.base, "stacks/reader/.copier-answers.yml") or b""
    recorded = yaml.safe_load(content)
    assert (recorded["memory"], recorded["port"], recorded["env"]) == ("1Gi", int(WANTED), {"A": "2"})
    assert world.command("status", "reader").result["status"] == "unchanged"
