"""The template's own registrations: on files of the same shape, and on a real checkout where one is named."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.errors import RefusedError
from generator.registrations import Registration, declared_ids, load, register, unregister

from .conftest import DECLARATIONS, FILES, render, service

FIXTURES = {
    "catalog": "catalogue.md",
    "ci-doc": "packages.md",
    "pg-database": "databases.tf",
    "vault-role": "vault.tf",
    "ghcr-allowlist": "allowlist.tf",
    "walloff-target": "probe.tf",
}
CHECKOUT = "NEWSERVICE_INFRA_CHECKOUT"


def registrations(**changes: object) -> dict[str, Registration]:
    return {found.id: found for found in load(DECLARATIONS, render, service(**changes))}


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    lines = list(difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), n=0))[2:]
    return [line[1:] for line in lines if line[0] == "-"], [line[1:] for line in lines if line[0] == "+"]


def check(registration: Registration, text: str, unformatted: Callable[[str], bool]) -> str:
    """Everything that must hold of an addition; returns the new text."""
    change = register(registration, text)
    assert change.action == "add"
    removed, added = changed_lines(text, change.text)
    assert added
    assert len(removed) <= 1
    if registration.id in ("catalog", "pg-database", "walloff-target"):
        assert removed == []
    again = register(registration, change.text)
    assert (again.action, again.text) == ("present", change.text)
    back = unregister(registration, change.text)
    assert (back.action, back.text) == ("remove", text)
    assert unregister(registration, text).action == "absent"
    if registration.path.endswith(".tf") and not unformatted(text):
        assert not unformatted(change.text)
    return change.text


def read(path: Path) -> str:
    return path.read_bytes().decode()


def test_fixtures_cover_every_declaration() -> None:
    assert set(declared_ids(DECLARATIONS)) == set(FIXTURES)
    assert list(declared_ids(DECLARATIONS)) == [found.id for found in load(DECLARATIONS, render, service())]


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", [True, False], ids=["newline at the end", "none"])
def test_adds_little_once_and_reversibly(
    name: str, newline: str, end: bool, unformatted: Callable[[str], bool]
) -> None:
    text = read(FILES / FIXTURES[name])
    text = (text if end else text.rstrip("\n")).replace("\n", newline)
    new = check(registrations()[name], text, unformatted)
    if newline == "\r\n":
        assert new.count("\n") == new.count("\r\n")


@pytest.mark.parametrize("name", FIXTURES)
def test_refuses_with_the_snippet_where_the_place_is_missing(name: str) -> None:
    registration = registrations()[name]
    with pytest.raises(RefusedError) as caught:
        register(registration, "# nothing here\n")
    assert caught.value.code == "registration.place_not_found"
    assert registration.path in caught.value.message
    assert registration.edits[0].snippet in caught.value.hint


def test_catalogue_row_is_the_last_of_its_section() -> None:
    text = register(registrations()["catalog"], read(FILES / "catalogue.md")).text
    row = "| notes | Notes for two, in Markdown | notes |\n"
    assert f"| beta |\n{row}\n## Other" in text


def test_allowlist_entry_stands_before_the_closing_remark() -> None:
    text = register(registrations()["ghcr-allowlist"], read(FILES / "allowlist.tf")).text
    assert '    "beta",\n    # notes: private image registry.example/owner/notes\n    "notes",\n    # keep' in text


def test_vault_role_leaves_the_other_connection_alone() -> None:
    before = read(FILES / "vault.tf")
    text = register(registrations()["vault-role"], before).text
    assert '    "mysql-alpha", "pg-notes"\n  ]' in text
    assert '    "pg-gamma",\n    "pg-notes"\n  ]' in text
    assert text.index('"pg_alpha"') < text.index('"pg_notes"') < text.index("# === Another")


def test_half_of_vault_role_is_completed() -> None:
    registration = registrations()["vault-role"]
    before = read(FILES / "vault.tf")
    half = registration.edits[0].insert(before)
    change = register(registration, half)
    assert change.action == "add"
    assert change.text == register(registration, before).text


def test_a_drifted_half_keeps_the_other_half_out() -> None:
    registration = registrations()["vault-role"]
    text = registration.edits[1].insert(read(FILES / "vault.tf")).replace("604800", "3600")
    change = register(registration, text)
    assert (change.action, change.text) == ("update", text)
    assert "pg_notes" in change.details[0]
    replaced = register(registration, text, replace=True)
    assert replaced.action == "update"
    assert register(registration, replaced.text).action == "present"
    with pytest.raises(RefusedError, match="edited"):
        unregister(registration, text)


def test_only_public_carveouts_that_answer_are_probed() -> None:
    edits = registrations()["walloff-target"].edits
    assert [edit.identity for edit in edits] == ["notes-api"]
    assert '"https://notes.example.org/api/ok"' in edits[0].snippet
    assert "walloff-target" not in registrations(openings=[])


def test_what_a_service_does_not_need_is_left_out() -> None:
    plain = registrations(db=None, image_source="upstream", openings=[])
    assert list(plain) == ["catalog"]
    public = registrations(image_visibility="public")
    assert "ghcr-allowlist" not in public
    assert "| **Public** | alpha, beta_one, notes |" in register(public["ci-doc"], read(FILES / "packages.md")).text


def test_a_package_that_changed_sides_is_reported_and_moved_on_request() -> None:
    text = register(registrations()["ci-doc"], read(FILES / "packages.md")).text
    public = registrations(image_visibility="public")["ci-doc"]
    assert register(public, text).action == "update"
    moved = register(public, text, replace=True).text
    assert "| **Private** | gamma, delta |" in moved
    assert "| **Public** | alpha, beta_one, notes |" in moved


@pytest.mark.parametrize("hostile", ['"', "${x}", "%{ if }", "$${x", "a\nb", "\\", "|", "EOT\n}", "*/ `<b>`", "🎉 é"])
def test_hostile_answers_stay_text(hostile: str, unformatted: Callable[[str], bool]) -> None:
    # The role names a resource as well, and those are identifiers: its shape allows nothing else.
    database = {**service()["db"], "name": hostile, "vault_role": hostile}
    carveout = {**service()["openings"][0], "reason": hostile, "probe_path": f"/{hostile}"}
    found = registrations(description=hostile, namespace=hostile, db=database, openings=[carveout])
    for name, fixture in FIXTURES.items():
        check(found[name], read(FILES / fixture), unformatted)


@pytest.mark.parametrize("name", FIXTURES)
def test_real_checkout(name: str, unformatted: Callable[[str], bool]) -> None:
    if not os.environ.get(CHECKOUT):
        pytest.skip(f"{CHECKOUT} names no checkout of the infra repository")
    registration = registrations(name="zz-newservice-trial", namespace="zz-newservice-trial", db={
        "engine": "postgres", "name": "zz_trial", "role": "zz_trial", "provision": "create",
        "vault_role": "pg-zz-trial", "resource": "zz_trial",
    })[name]  # fmt: skip
    check(registration, read(Path(os.environ[CHECKOUT]) / registration.path), unformatted)
