"""What a platform profile says of the registrations: which built-in ones it lacks, and its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.errors import UsageError
from generator.engine.project import Project
from generator.infra_repo.registrations import Adjustments, Registration, declared_ids, load, register, unregister
from generator.platform.profile import Platform, load_platform
from generator.template.template import Template

from .conftest import DECLARATIONS, ROOT, render, service

BUILTIN = Template(ROOT).platform
OWN: dict[str, Any] = {
    "id": "dashboard",
    "path": "[[ platform.infra.stacks ]]/board/main.tf",
    "order": 62,
    "apply": "board",
    "edits": [
        {
            "kind": "hcl.list_object",
            "place": "locals.tiles",
            "key": "title",
            "object": {"title": "[[ title ]]", "href": "https://[[ hostname ]]", "weight": 10},
        }
    ],
}
OF_MYSQL = ("mysql-database",)
"""Those that a service with PostgreSQL has no use for."""
REPLACEMENT = {**OWN, "id": "catalog", "path": "docs/services.tf"}


def adjusted(skip: list[str] | None = None, own: list[Mapping[str, Any]] | None = None) -> list[Registration]:
    return load(DECLARATIONS, render, service(), Adjustments(skip or [], own or [], "own.yml"))


def completed(skip: list[str] | None = None, own: list[Mapping[str, Any]] | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        adjusted(skip, own)
    assert (caught.value.code, caught.value.hint) == ("platform.invalid", "see docs/reference/platform.md")
    assert caught.value.message.startswith("own.yml: registrations.")
    return caught.value.message.removeprefix("own.yml: registrations.")


def loaded(tmp_path: Path, registrations: Any) -> Platform:
    path = tmp_path / "own.yml"
    path.write_text(yaml.safe_dump({"name": "own", "registrations": registrations}))
    return load_platform(BUILTIN, path, {})


def test_the_built_in_platform_has_all_built_in_ones() -> None:
    platform = load_platform(BUILTIN, environ={"HOME": "/nonexistent"})
    assert (platform.registrations.skip, platform.registrations.own) == ([], [])
    found = load(DECLARATIONS, render, service(), platform.registrations)
    assert [each.id for each in found] == [name for name in declared_ids(DECLARATIONS) if name not in OF_MYSQL]


def test_a_profile_leaves_out_and_adds_in_the_order_of_applying() -> None:
    ids = [found.id for found in adjusted(["ci-doc", "catalog"], [OWN])]
    wanted = [name for name in declared_ids(DECLARATIONS) if name not in ("ci-doc", "catalog", *OF_MYSQL)]
    wanted.insert(wanted.index("kuma-monitor"), "dashboard")
    assert ids == wanted


def test_an_own_one_takes_the_place_of_a_skipped_one() -> None:
    (found,) = (each for each in adjusted(["catalog"], [REPLACEMENT]) if each.id == "catalog")
    assert found.path == "docs/services.tf"


def test_an_own_one_works_as_the_built_in_ones_do() -> None:
    (found,) = (each for each in adjusted(own=[OWN]) if each.id == "dashboard")
    assert (found.path, found.apply_note) == ("stacks/board/main.tf", "board")
    text = 'locals {\n  tiles = [\n    {\n      title = "other"\n    },\n  ]\n}\n'
    change = register(found, text)
    added = 'title  = "Notes"\n      href   = "https://notes.example.org"\n      weight = 10\n'
    assert change.text == text.replace("    },\n  ]", f"    }},\n    {{\n      {added}    }},\n  ]")
    assert register(found, change.text).action == "present"
    assert unregister(found, change.text).text == text


def test_nothing_of_an_own_one_is_rendered_unless_it_holds() -> None:
    broken = {**OWN, "when": "[[ name == 'another' ]]", "path": "[[ missing ]]"}
    assert "dashboard" not in [found.id for found in adjusted(own=[broken])]


@pytest.mark.parametrize(
    ("skip", "own", "message"),
    [
        (["ci-docs"], [], "skip[0]: there is no 'ci-docs', did you mean 'ci-doc'?"),
        (["catalog", "xyz"], [], "skip[1]: there is no 'xyz'; there are anubis-doc, catalog, ci-doc"),
        ([None], [], "skip[0]: there is no 'None'"),
        ([], [OWN, OWN], "own[1]: id: there is a 'dashboard' already"),
        ([], [REPLACEMENT], "own[0]: id: there is a 'catalog' already; to replace the built-in one, name it in "),
        (["catalog"], [REPLACEMENT, REPLACEMENT], "own[1]: id: there is a 'catalog' already"),
        ([], [OWN, {**OWN, "id": "x", "path": "[[ missing ]]"}], "own[1]: path: 'missing' is undefined"),
        ([], [{**OWN, "path": "../x"}], "own[0]: path: '../x' must be relative"),
        ([], [{**OWN, "edits": []}], "own[0]: edits: must be a list of edits"),
    ],
)
def test_a_fault_is_reported_with_the_profile_and_the_place(
    skip: list[str], own: list[Mapping[str, Any]], message: str
) -> None:
    assert completed(skip, own).startswith(message)


@pytest.mark.parametrize(
    ("registrations", "message"),
    [
        (None, "'registrations' must be a map"),
        ([], "'registrations' must be a map"),
        ({"skipp": []}, "there is no key 'registrations.skipp', did you mean 'registrations.skip'?"),
        ({"skip": "catalog"}, "'registrations.skip' must be a list"),
        ({"own": {}}, "'registrations.own' must be a list"),
        ({"own": ["x"]}, "registrations.own[0]: must be a map"),
        ({"own": [{**OWN, "edits": [{"kind": "hcl.line"}]}]}, "registrations.own[0]: edits[0].kind: 'hcl.line'"),
        ({"own": [OWN, {**OWN, "orders": 1}]}, "registrations.own[1]: orders: is not known"),
    ],
)
def test_a_malformed_one_is_reported_when_the_profile_is_read(tmp_path: Path, registrations: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, registrations)
    assert caught.value.code == "platform.invalid"
    assert caught.value.message.startswith(f"{tmp_path / 'own.yml'}: ")
    assert message in caught.value.message


def test_they_are_no_facts(tmp_path: Path) -> None:
    """Nothing of them reaches a template, and so no answers file."""
    platform = loaded(tmp_path, {"skip": ["catalog"], "own": [OWN]})
    assert "registrations" not in platform.facts
    assert (platform.registrations.skip, platform.registrations.own) == (["catalog"], [OWN])
    assert platform.registrations.source == str(tmp_path / "own.yml")


def test_a_project_has_those_of_its_platform(tmp_path: Path) -> None:
    from tests.answers import TEMPLATE, answer

    answers = answer({"name": "notes", "title": "Notes", "description": "Keeps notes"})
    plain = Project(TEMPLATE, loaded(tmp_path, {}), answers, tmp_path)
    changed = Project(TEMPLATE, loaded(tmp_path, {"skip": ["catalog"], "own": [OWN]}), answers, tmp_path)
    before, after = ([found.id for found in project.registrations] for project in (plain, changed))
    assert "catalog" in before
    assert sorted([*after, "catalog"]) == sorted([*before, "dashboard"])
    assert "board" in changed.checklist.pipeline


def test_the_documented_profile_works(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "reference" / "registrations.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n# A profile with one registration less and one more.\n")[1].split("```")[0]
    platform = loaded(tmp_path, yaml.safe_load(example)["registrations"])
    found = [each.id for each in load(DECLARATIONS, render, service(), platform.registrations)]
    assert "outage-page" not in found
    assert found[-3:] == ["walloff-target", "dashboard", "kuma-monitor"]
