"""Reading the declarations: what holds, in which order, and which faults are told with file and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.errors import UsageError
from generator.infra_repo.registrations import declared_ids, load

from .conftest import render, service

VALID: dict[str, Any] = {
    "id": "trial",
    "path": "stacks/trial.tf",
    "edits": [{"kind": "hcl.list_item", "place": "locals.names", "value": "[[ name ]]"}],
}
BLOCK = {"kind": "hcl.block", "after": "a.b"}
ROW = {"kind": "markdown.table_row", "section": "s", "key": "A"}
OBJECT = {
    "kind": "hcl.list_object",
    "place": "locals.objects",
    "key": "name",
    "object": {
        "name": "[[ name ]]",
        "port": 80,
        "ratio": 0.5,
        "on": True,
        "off": None,
        "codes": ["200", "[[ name ]]"],
    },
}
LISTED = {"kind": "text.list_item", "opening": "X: ", "closing": "[.]", "separator": ", ", "value": "[[ name ]]"}
HEREDOC = {"kind": "hcl.heredoc_item", "place": "a.b", "opening": "X = {", "closing": "}", "value": "[[ name ]]"}


def declare(folder: Path, **changes: Any) -> Path:
    declaration = {key: value for key, value in {**VALID, **changes}.items() if value is not None}
    (folder / "trial.yml").write_text(yaml.safe_dump(declaration, sort_keys=False), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"id": None}, "id: is missing"),
        ({"id": "other"}, "id: 'other'"),
        ({"edits": []}, "edits:"),
        ({"edits": ["x"]}, "edits[0].kind"),
        ({"edits": [{"kind": "hcl.heredoc"}]}, "edits[0].kind: 'hcl.heredoc'"),
        ({"edits": [{"kind": "hcl.list_item", "place": "a.b"}]}, "edits[0].value: is missing"),
        ({"edits": [{**VALID["edits"][0], "extra": 1}]}, "edits[0].extra"),
        ({"edits": [{**VALID["edits"][0], "place": "names"}]}, "edits[0].place"),
        ({"edits": [{**VALID["edits"][0], "value": 5}]}, "edits[0].value"),
        ({"edits": [{**VALID["edits"][0], "value": "[[ missing ]]"}]}, "edits[0].value: 'missing'"),
        ({"edits": [{**BLOCK, "block": "a {"}]}, "edits[0].block"),
        ({"edits": [{**BLOCK, "block": "a {\n}\nb {\n}"}]}, "edits[0]"),
        ({"edits": [{**ROW, "cells": {"B": "x"}}]}, "column 'A'"),
        ({"edits": [{**ROW, "cells": []}]}, "edits[0].cells"),
        ({"edits": [{**OBJECT, "key": "title"}]}, "edits[0].object: has no text for the key 'title'"),
        ({"edits": [{**OBJECT, "key": "port"}]}, "edits[0].object: has no text for the key 'port'"),
        ({"edits": [{**OBJECT, "object": []}]}, "edits[0].object: must be a map"),
        ({"edits": [{**OBJECT, "object": {"name": "a", "b c": 1}}]}, "edits[0].object: 'b c'"),
        ({"edits": [{**OBJECT, "object": {"name": "a", 5: 1}}]}, "edits[0].object: '5'"),
        ({"edits": [{**OBJECT, "object": {"name": "a", "b": {}}}]}, "edits[0].object.b: must be text, a number"),
        ({"edits": [{**OBJECT, "object": {"name": "a", "b": [1]}}]}, "edits[0].object.b: must be text, a number"),
        ({"edits": [{**OBJECT, "object": {"name": "a", "b": float("nan")}}]}, "edits[0].object.b: must be text"),
        ({"edits": [{**OBJECT, "object": {"name": "[[ missing ]]"}}]}, "edits[0].object.name: 'missing'"),
        ({"edits": [{**HEREDOC, "opening": " "}]}, "edits[0].opening: is empty"),
        ({"edits": [{**HEREDOC, "mark": "}"}]}, "edits[0].mark: is not known"),
        ({"edits": [{"kind": "hcl.heredoc_item", "place": "a.b"}]}, "edits[0].opening: is missing"),
        ({"edits": [{**LISTED, "separator": ""}]}, "edits[0].separator: is empty"),
        ({"edits": [{**LISTED, "opening": "("}]}, "edits[0]: '(' is no regular expression"),
        ({"edits": [{**LISTED, "closing": "*"}]}, "edits[0]: '*' is no regular expression"),
        ({"edits": [{"kind": ["hcl.block"]}]}, "edits[0].kind"),
        ({"path": "../x.tf"}, "path:"),
        ({"path": "/x.tf"}, "path:"),
        ({"order": "first"}, "order:"),
        ({"when": "[[ name ]]"}, "when:"),
        ({"for_each": "[[ name ]]"}, "for_each:"),
        ({"for_each": "[[ name | tojson ]]"}, "for_each:"),
        ({"optional": "maybe"}, "optional: must be true or false"),
        ({"unknown": 1}, "unknown:"),
    ],
)  # fmt: skip
def test_faults_name_file_and_key(tmp_path: Path, changes: dict[str, Any], key: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(declare(tmp_path, **changes), render, service())
    assert caught.value.code == "registration.declaration"
    assert caught.value.message.startswith("trial.yml: ")
    assert key in caught.value.message


@pytest.mark.parametrize("content", ["a: [", "- 1", ""])
def test_unreadable_files_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "broken.yml").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"broken\.yml"):
        declared_ids(tmp_path)


def test_nothing_is_rendered_unless_it_holds(tmp_path: Path) -> None:
    broken = [{**VALID["edits"][0], "value": "[[ db.name ]]"}]
    folder = declare(tmp_path, when="[[ db is not none ]]", edits=broken)
    assert load(folder, render, service(db=None)) == []


def test_repetition(tmp_path: Path) -> None:
    edits = [{**VALID["edits"][0], "value": "[[ name ]]-[[ item.n ]]"}]
    folder = declare(tmp_path, for_each="[[ [{'n': 1}, {'n': '<é>'}] | tojson ]]", edits=edits)
    assert [edit.identity for edit in load(folder, render, service())[0].edits] == ["notes-1", "notes-<é>"]


def test_attributes_keep_their_types_and_order(tmp_path: Path) -> None:
    found = load(declare(tmp_path, edits=[OBJECT]), render, service())[0].edits[0]
    assert found.snippet.splitlines() == [
        "{",
        '  name  = "notes"',
        "  port  = 80",
        "  ratio = 0.5",
        "  on    = true",
        "  off   = null",
        '  codes = ["200", "notes"]',
        "},",
    ]


def test_names_with_dots_are_given_as_a_list(tmp_path: Path) -> None:
    edits = [{**VALID["edits"][0], "place": ["locals", "[[ name ]].x"]}]
    found = load(declare(tmp_path, edits=edits, apply="[[ name ]]\nby hand", order=7), render, service())[0]
    assert "locals.notes.x" in found.edits[0].location
    assert (found.apply_note, found.order) == ("notes by hand", 7)
