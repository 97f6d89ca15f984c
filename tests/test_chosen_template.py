"""New services with an earlier version of the template: its questions and entries, and every later command on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from generator.mcp.tools import tools
from generator.template.releases import Releases
from tests.answers import RICH, SMALLEST, TEMPLATE
from tests.checkout import commit_all
from tests.full import few
from tests.invoke import Desk
from tests.upgrade.services import as_then
from tests.upgrade.test_admin_host import POLICY, TEXT
from tests.world import Completed, World

GROUPS = ["Home Server Admins", "TripIt Users"]
EARLIER = [str(release.version) for release in Releases().all if str(release.version) != TEMPLATE.version]
ASKED = ["1.0.0", "2.1.0", *(version for version in reversed(EARLIER) if version not in ("1.0.0", "2.1.0"))]
"""The first and a middle one before all others."""
OPENED = {"access": "authenticated"}
"""An answer in the first version's words that its infra repository needs no list of administrators' hosts for."""


def then(given: dict[str, Any], version: str) -> dict[str, Any]:
    """The answers in a version's words."""
    found = as_then(given, Version(version))
    return {**found, **(OPENED if Version(version).major == 1 and "auth" not in given else {})}


def recorded(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))
    return found


def codes(completed: Completed) -> list[tuple[str, str]]:
    return [(item["code"], item.get("question") or "") for item in completed.of("error")]


@pytest.mark.parametrize("version", few(1, ASKED))
def test_a_service_of_an_earlier_version_is_whole(world: World, version: str) -> None:
    given = then(RICH, version)
    name, chosen = given["name"], ("--template", version)
    completed = world.run("create", given, *chosen)
    assert completed.code == 0, completed.out + completed.err
    (plan,) = completed.of("plan")
    assert any(f"template {version}" in note for note in plan["notes"])
    assert recorded(world.folder / name)["_commit"] == f"v{version}"
    (pull,) = world.infra.pulls.values()
    assert pull.body.index("Before the merge") < pull.body.index("After the merge")
    assert "apply vault by hand" in pull.body
    before = world.inventory(name)
    for more in (chosen, ()):  # it is recorded now, so the flag may be left out
        again = world.run("create", given, *more)
        assert (again.code, again.result["status"]) == (0, "unchanged"), again.out
        assert {item["action"] for item in again.of("plan")[0]["files"]} == {"unchanged"}
    assert world.inventory(name) == before
    world.merge(name)
    kept = world.infra.bare.file(world.base, f"{world.platform.infra.stack(name)}.copier-answers.yml") or b""
    assert yaml.safe_load(kept)["_commit"] == f"v{version}"
    status = world.command("status", name, "--service-dir", str(world.folder / name))
    assert (status.code, status.result["status"]) == (0, "unchanged"), status.out
    removed = world.command("remove", name, "--yes", "--service-dir", str(world.folder / name))
    assert removed.code == 0, removed.out
    assert "apply vault" in max(world.infra.pulls.items())[1].body


@pytest.mark.parametrize("version", few(2, ASKED))
def test_its_files_are_updated_to_the_newest_version(desk: Desk, version: str) -> None:
    given = {**SMALLEST, "language": "go", **(OPENED if version == "1.0.0" else {})}
    completed = desk.create(given, "--template", version)
    assert completed.code == 0, completed.out + completed.err
    again = desk.create(given, "--template", version)
    assert (again.code, again.result["status"]) == (0, "unchanged"), again.out
    commit_all(desk.infra, "stack")
    commit_all(desk.service, "service")
    stack = desk.infra / "stacks" / given["name"]
    assert recorded(stack)["_commit"] == recorded(desk.service)["_commit"] == f"v{version}"
    groups = ("--set", f"access={GROUPS}") if version == "1.0.0" else ()
    for place, more in ((stack, groups), (desk.service, groups)):
        if more:  # who everybody is was no list then: a person says it
            asked = desk.command("update", place, "--json")
            assert codes(asked) == [("answer.missing", "access")], asked.out
        updated = desk.command("update", place, "--json", *more)
        assert updated.code == 0, updated.out
        assert recorded(place)["_commit"] == f"v{Releases().newest}"


def test_a_saved_plan_keeps_its_version(world: World) -> None:
    given, plan = then(RICH, "1.0.0"), world.folder / "plan.json"
    completed = world.run("plan", given, "--template", "1.0.0", "--out", str(plan))
    assert completed.code == 0, completed.out
    applied = world.tell(["apply", str(plan), "--platform", str(world.sandbox.profile), "--json", "--yes"])
    assert (applied.code, applied.result["status"]) == (0, "success"), applied.out
    assert recorded(world.folder / given["name"])["_commit"] == "v1.0.0"


def test_what_only_administrators_reach_was_a_list_in_the_infra_repository(desk: Desk) -> None:
    """Where the tree has no such list, it is refused with the reason; where it has one, the host is entered."""
    given, stack = {**SMALLEST, "access": "admins"}, desk.infra / "stacks" / SMALLEST["name"]
    before = desk.snapshot()
    refused = desk.create(given, "--template", "1.0.0")
    assert refused.code == 4, refused.out
    (error,) = refused.of("error")
    assert POLICY in error["message"]
    assert "template 1.0.0" in error["hint"]
    assert desk.snapshot() == before
    (desk.infra / POLICY).parent.mkdir(parents=True, exist_ok=True)
    (desk.infra / POLICY).write_text(TEXT, encoding="utf-8")
    commit_all(desk.infra, "a list")
    completed = desk.create(given, "--template", "1.0.0")
    assert completed.code == 0, completed.out
    entered = (desk.infra / POLICY).read_text(encoding="utf-8")
    assert entered.count(f"{SMALLEST['name']}.") == 1
    commit_all(desk.infra, "stack")
    assert desk.command("update", stack, "--json").code == 0
    assert (desk.infra / POLICY).read_text(encoding="utf-8") == TEXT
    assert recorded(stack)["access"] == ["Home Server Admins"]


def test_the_answers_are_to_the_version_s_own_questions(desk: Desk) -> None:
    before = desk.snapshot()
    given = {**SMALLEST, "access": "authenticated"}
    new = ("--hardening", "{non_root: true}", "--dns", "internal", "--access", "everybody")
    completed = desk.create(given, "--template", "1.0.0", *new)
    assert completed.code == 2, completed.out
    assert sorted(codes(completed)) == [
        ("answer.invalid", "access"),
        ("answer.invalid", "dns"),
        ("answer.unknown", "hardening"),
    ]
    (unknown,) = [item for item in completed.of("error") if item["code"] == "answer.unknown"]
    assert "newservice schema --template 1.0.0" in unknown["hint"]
    assert desk.snapshot() == before
    assert desk.create(SMALLEST, "--template", "1.0.0", "--access", "authenticated", command="plan").code == 0


def test_a_version_that_does_not_exist_or_is_not_the_service_s_is_refused(desk: Desk) -> None:
    completed = desk.create(SMALLEST, "--template", "1.2.3")
    assert (completed.code, codes(completed)) == (2, [("template.unknown_version", "")])
    assert desk.create(SMALLEST, "--template", "2.1.0").code == 0
    before = desk.snapshot()
    for command in ("create", "plan"):
        completed = desk.create({"name": SMALLEST["name"]}, "--template", "2.0.0", command=command)
        assert (completed.code, codes(completed)) == (4, [("template.recorded", "")])
        assert "2.1.0" in completed.of("error")[0]["message"]
    assert desk.snapshot() == before


def test_the_installed_version_can_be_named(desk: Desk) -> None:
    for name in (TEMPLATE.version, f"v{TEMPLATE.version}"):
        completed = desk.create(SMALLEST, "--template", name, command="plan")
        assert completed.code == 0, completed.out
        assert not any("earlier version" in note for note in completed.of("plan")[0].get("notes", ()))


@pytest.mark.parametrize("version", few(1, ASKED))
def test_each_version_has_its_schema(desk: Desk, version: str) -> None:
    completed = desk.command("schema", "--template", version, "--json")
    assert completed.code == 0, completed.out
    (document,) = [item for item in completed.events if item["event"] != "result"]
    text = str(document)
    assert f"template version {version}" in text
    assert ("'hardening'" in text) == (Version(version) >= Version("2.3.0"))


def test_agents_can_name_it_as_well() -> None:
    lines = {tool.name: tool.line for tool in tools(writes=True)}
    for name in ("plan", "create", "schema"):
        assert "--template=1.0.0" in lines[name]({"name": "notes", "template": "1.0.0"})
        assert not any("--template" in word for word in lines[name]({"name": "notes"}))
