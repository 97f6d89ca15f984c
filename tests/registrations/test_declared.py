"""The template's own registrations: on files of the same shape, and on a real checkout where one is named."""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.base.errors import RefusedError
from generator.infra_repo.registrations import Registration, declared_ids, load, register, unregister
from tests.full import few

from .conftest import DECLARATIONS, FILES, MYSQL, ROOT, render, service

FIXTURES = {path.stem: path.name for path in sorted(FILES.iterdir())}
SANDBOX_INFRA = ROOT / "generator" / "sandbox" / "infra"
CHECKOUT = "NEWSERVICE_INFRA_CHECKOUT"


PROSE = ("ci-doc", "rotation-doc", "anubis-doc")
"""Entries within a line that others have written."""


def registrations(**changes: object) -> dict[str, Registration]:
    return {found.id: found for found in load(DECLARATIONS, render, service(**changes))}


def every(**changes: object) -> dict[str, Registration]:
    """All of them: those of a service with PostgreSQL, and what one with MySQL has instead."""
    return {**registrations(db=MYSQL), **registrations(**changes)}


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
    if registration.id not in (*PROSE, "vault-role", "ghcr-allowlist"):
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
    for found in (registrations(), registrations(db=MYSQL)):
        assert [name for name in declared_ids(DECLARATIONS) if name in found] == list(found)
    assert set(declared_ids(DECLARATIONS)) == set(every())


def test_what_others_read_is_applied_before_what_reads_it() -> None:
    """The stack itself stands at 55: these are applied before it, in this order, or after it, because they watch it."""
    found = load(DECLARATIONS, render, service())
    stacks = [(each.order < 55, each.apply_note.split(" ")[0]) for each in found if each.apply_note]
    before, after = ("dbaas", "vault", "kyverno", "traefik"), ("monitoring", "uptime-kuma", "cloudflared")
    known = [(early, stack) for early, stack in dict.fromkeys(stacks) if stack in before + after]
    assert known == [*((True, stack) for stack in before), *((False, stack) for stack in after)]


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", few(1, [True, False]), ids=["newline at the end", "none"])
def test_adds_little_once_and_reversibly(
    name: str, newline: str, end: bool, unformatted: Callable[[str], bool]
) -> None:
    text = read(FILES / FIXTURES[name])
    text = (text if end else text.rstrip("\n")).replace("\n", newline)
    new = check(every()[name], text, unformatted)
    if newline == "\r\n":
        assert new.count("\n") == new.count("\r\n")


@pytest.mark.parametrize("name", FIXTURES)
def test_refuses_with_the_snippet_where_the_place_is_missing(name: str) -> None:
    registration = every()[name]
    with pytest.raises(RefusedError) as caught:
        register(registration, "# nothing here\n")
    assert caught.value.code == "registration.place_not_found"
    assert registration.path in caught.value.message
    assert registration.edits[0].snippet in caught.value.hint


def test_catalogue_row_is_the_last_of_its_section() -> None:
    text = register(registrations()["catalog"], read(FILES / "catalog.md")).text
    row = "| notes | Notes for two, in Markdown | notes |\n"
    assert f"| beta |\n{row}\n## Other" in text


def test_allowlist_entry_stands_before_the_closing_remark() -> None:
    text = register(registrations()["ghcr-allowlist"], read(FILES / "ghcr-allowlist.tf")).text
    assert '    "beta",\n    # notes: private image registry.example/owner/notes\n    "notes",\n    # keep' in text


def test_vault_role_leaves_the_other_connection_alone() -> None:
    before = read(FILES / "vault-role.tf")
    text = register(registrations()["vault-role"], before).text
    assert '    "mysql-alpha", "pg-notes"\n  ]' in text
    assert '    "pg-gamma",\n    "pg-notes"\n  ]' in text
    assert text.index('"pg_alpha"') < text.index('"pg_notes"') < text.index("# === Another")


def test_half_of_vault_role_is_completed() -> None:
    registration = registrations()["vault-role"]
    before = read(FILES / "vault-role.tf")
    half = registration.edits[0].insert(before)
    change = register(registration, half)
    assert change.action == "add"
    assert change.text == register(registration, before).text


def test_a_drifted_half_keeps_the_other_half_out() -> None:
    registration = registrations()["vault-role"]
    text = registration.edits[1].insert(read(FILES / "vault-role.tf")).replace("604800", "3600")
    change = register(registration, text)
    assert (change.action, change.text) == ("update", text)
    assert "pg_notes" in change.details[0]
    replaced = register(registration, text, replace=True)
    assert replaced.action == "update"
    assert register(registration, replaced.text).action == "present"
    with pytest.raises(RefusedError, match="edited"):
        unregister(registration, text)


@pytest.mark.parametrize("name", ["pg-database", "mysql-database"])
def test_a_database_is_applied_alone(name: str) -> None:
    registration = every()[name]
    (address,) = registration.targets
    kind, label = address.removeprefix("module.dbaas.").split(".")
    assert f'resource "{kind}" "{label}"' in registration.snippet


def test_a_mysql_role_goes_to_its_own_connection(unformatted: Callable[[str], bool]) -> None:
    found = registrations(db=MYSQL)
    assert "pg-database" not in found
    text = check(found["vault-role"], read(FILES / "vault-role.tf"), unformatted)
    assert '    "mysql-alpha", "pg-notes",\n    "mysql-notes-app"\n  ]' in text
    assert text.index('"mysql_alpha"') < text.index('"mysql_notes_app"') < text.index('"pg_alpha"')
    block = text[text.index('"mysql_notes_app"') : text.index('"pg_alpha"')]
    assert "vault_database_secret_backend_connection.mysql.name" in block
    assert 'name            = "mysql-notes-app"\n  username        = "notes_app"' in block


def test_a_mysql_user_is_made_and_its_first_password_is_shown_to_nobody(tmp_path: Path) -> None:
    """The script of the block, with programs that write down what they are given."""
    block = registrations(db={**MYSQL, "name": "notes_db"})["mysql-database"].edits[0].snippet
    assert "depends_on = [kubernetes_stateful_set_v1.mysql_standalone]" in block
    heredoc = re.search(r"<<-EOT\n(.*?)\n *EOT\n", block, re.DOTALL)
    variables = dict(re.findall(r'(DB_[A-Z]+) += "(.*)"', block))
    assert heredoc is not None
    programs = {
        "kubectl": f'printf "%s " "$@" >{tmp_path}/called; while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
        "mysql": f'env | grep MYSQL_PWD >{tmp_path}/environment; cat >{tmp_path}/sql; echo "generated password"',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    environment = {key: value.replace("\\\\", "\\") for key, value in variables.items()}
    environment |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "MYSQL_ROOT_PASSWORD": "canary"}
    command = ["/bin/sh", "-c", textwrap.dedent(heredoc[1])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""
    called = (tmp_path / "called").read_text(encoding="utf-8")
    assert called.startswith("-n dbaas exec -i mysql-standalone-0 -c mysql -- sh -c ")
    assert "canary" not in called
    assert (tmp_path / "environment").read_text(encoding="utf-8") == "MYSQL_PWD=canary\n"
    known, *statements = (tmp_path / "sql").read_text(encoding="utf-8").split(";")
    assert " ".join(known.split()) == (
        "SET @known = (SELECT COUNT(*) FROM mysql.user WHERE user = 'notes_app' AND host = '%') "
        "+ (SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'notes_db')"
    )
    assert [text.strip() for text in statements] == [
        # What has tables is not given to a user that is new.
        "SET @full = (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'notes_db')",
        "CREATE DATABASE IF NOT EXISTS `notes_db`",
        "CREATE USER IF NOT EXISTS 'notes_app'@'%' IDENTIFIED WITH caching_sha2_password BY RANDOM PASSWORD",
        # An underscore stands for any character there. Rights of a user that exists with its database stay.
        "SET @rights = IF(@known > 1 OR @full, 'DO 0', \"GRANT ALL PRIVILEGES ON `notes\\_db`.* TO 'notes_app'@'%'\")",
        "PREPARE rights FROM @rights",
        "EXECUTE rights",
        "",
    ]
    assert "mysql-database" not in registrations(db={**MYSQL, "provision": "exists"})
    assert "mysql-database" not in registrations()


def test_a_mysql_block_follows_the_others_of_mysql() -> None:
    text = register(every()["mysql-database"], read(FILES / "mysql-database.tf")).text
    assert text.index('"mysql_alpha_db"') < text.index('"mysql_notes_db"') < text.index('"pg_alpha_db"')


@pytest.mark.parametrize(("db", "line"), [(MYSQL, "MySQL"), (service()["db"], "PostgreSQL")], ids=["mysql", "postgres"])
def test_the_manuals_name_every_user_whose_password_is_rotated(db: dict[str, Any], line: str) -> None:
    found = registrations(db=db)
    role = db["role"]
    lines = {"MySQL": "alpha, beta (in v1.2, by hand)", "PostgreSQL": "gamma, delta_two"}
    text = register(found["rotation-doc"], read(FILES / "rotation-doc.md")).text
    for name, users in lines.items():
        assert f" {name}: {users}{f', {role}' if name == line else ''}. " in text
    lines = {"MySQL": "- alpha\n- beta\n", "PostgreSQL": "- gamma (the (old) ledger)\n- delta_two\n"}
    text = register(found["rotation-list"], read(FILES / "rotation-list.md")).text
    for name, users in lines.items():
        assert f"**{name} Rotation**:\n{users}{f'- {role}{chr(10)}' if name == line else ''}\n" in text


@pytest.mark.parametrize(("host", "item"), [("notes", "notes"), ("write", "write (notes)")])
def test_the_manual_names_every_site_with_a_proof_of_work_and_counts_them(host: str, item: str) -> None:
    text = register(registrations(host=host)["anubis-doc"], read(FILES / "anubis-doc.md")).text
    assert f"Active on 3 stacks: blog (except `/a.sh. `, and more), wiki, {item}. (shop retired.)" in text
    assert "anubis-doc" not in registrations(anubis=False)


def test_a_host_with_a_page_of_its_own_stands_behind_the_others() -> None:
    text = register(registrations()["outage-page"], read(FILES / "outage-page.tf")).text
    assert '    "gamma", "test-failover",\n    "notes",\n  ]\n' in text
    assert "outage-page" not in registrations(outage_page=False)


def test_a_limit_follows_the_others_and_not_the_default_alone() -> None:
    text = register(registrations(name="my-notes", snake="my_notes")["rate-limit"], read(FILES / "rate-limit.tf")).text
    assert text.index('"middleware_beta_rate_limit"') < text.index('"middleware_my_notes_rate_limit"')
    assert text.index('"my-notes-rate-limit"') < text.index('"middleware_compress"')
    assert "average = 20\n        burst   = 100\n" in text
    with pytest.raises(RefusedError, match=r"no block resource\.kubernetes_manifest\.middleware_\*_rate_limit"):
        register(registrations()["rate-limit"], read(FILES / "rate-limit.tf").partition("# „Früher“")[0])


@pytest.mark.parametrize(("port", "expected"), [(80, ""), (8080, ":8080")])
def test_a_monitor_asks_the_service_by_name(port: int, expected: str) -> None:
    changes = {"service_port": port, "namespace": "desk", "called": {"service": "notes-web"}}
    snippet = registrations(**changes)["kuma-monitor"].edits[0].snippet
    assert f'"http://notes-web.desk.svc.cluster.local{expected}/healthz"' in snippet
    assert len(snippet.splitlines()) == 14


def test_a_monitor_of_that_name_that_asks_elsewhere_is_somebody_elses() -> None:
    registration = registrations()["kuma-monitor"]
    text = register(registration, read(FILES / "kuma-monitor.tf")).text.replace(
        "retry_interval              = 60", "retry_interval = 30"
    )
    change = register(registration, text)
    assert (change.action, change.text) == ("update", text)
    assert change.details == ('the object "notes" has another retry_interval',)


def test_only_public_carveouts_that_answer_are_probed() -> None:
    edits = registrations()["walloff-target"].edits
    assert [edit.identity for edit in edits] == ["notes-api"]
    assert '"https://notes.example.org/api/ok"' in edits[0].snippet
    assert "walloff-target" not in registrations(openings=[])


def test_what_a_service_does_not_need_is_left_out() -> None:
    nothing: dict[str, Any] = {
        "db": None,
        "openings": [],
        "outage_page": False,
        "limit": None,
        "monitor": None,
        "anubis": False,
    }
    plain = registrations(image_source="upstream", **nothing)
    assert list(plain) == ["catalog", "trusted-image"]
    public = registrations(image_visibility="public")
    assert "ghcr-allowlist" not in public
    assert "| **Public** | alpha, beta_one, notes |" in register(public["ci-doc"], read(FILES / "ci-doc.md")).text


def test_a_package_that_changed_sides_is_reported_and_moved_on_request() -> None:
    text = register(registrations()["ci-doc"], read(FILES / "ci-doc.md")).text
    public = registrations(image_visibility="public")["ci-doc"]
    assert register(public, text).action == "update"
    moved = register(public, text, replace=True).text
    assert "| **Private** | gamma, delta |" in moved
    assert "| **Public** | alpha, beta_one, notes |" in moved


WORDS = ['"', "${x}", "%{ if }", "$${x", "\\", "|", "*/ `<b>`", "🎉 é"]


@pytest.mark.parametrize("hostile", few(3, [" ".join(WORDS), "a\nb", "EOT\n}", *WORDS]))
def test_hostile_answers_stay_text(hostile: str, unformatted: Callable[[str], bool]) -> None:
    # The role names a resource as well, and those are identifiers: its shape allows nothing else.
    database = {**service()["db"], "name": hostile, "vault_role": hostile}
    carveout = {**service()["openings"][0], "reason": hostile, "probe_path": f"/{hostile}"}
    found = every(
        description=hostile,
        namespace=hostile,
        db=database,
        openings=[carveout],
        hostname=hostile,
        called={"service": hostile},
        monitor={"path": f"/{hostile}"},
    )
    for name, fixture in FIXTURES.items():
        check(found[name], read(FILES / fixture), unformatted)


TRIAL: dict[str, Any] = {"name": "zz-newservice-trial", "snake": "zz_trial", "namespace": "zz-newservice-trial", "db": {
    "engine": "postgres", "name": "zz_trial", "role": "zz_trial", "provision": "create", "vault_role": "pg-zz-trial",
    "resource": "zz_trial", "connection": "postgresql", "prefix": "pg",
}}  # fmt: skip


def trial(name: str) -> Registration:
    mysql = {**MYSQL, "name": "zz_trial", "role": "zz_trial", "vault_role": "mysql-zz-trial", "resource": "zz_trial"}
    return {**registrations(**{**TRIAL, "db": mysql}), **registrations(**TRIAL)}[name]


def real(registration: Registration) -> str:
    if not os.environ.get(CHECKOUT):
        pytest.skip(f"{CHECKOUT} names no checkout of the infra repository")
    return read(Path(os.environ[CHECKOUT]) / registration.path)


@pytest.mark.parametrize("name", FIXTURES)
def test_real_checkout(name: str, unformatted: Callable[[str], bool]) -> None:
    registration = trial(name)
    text = real(registration)
    if name == "outage-page" and "worker_covered_hosts" not in text:
        pytest.skip("this commit has no list of hosts with a page yet")
    check(registration, text, unformatted)


@pytest.mark.parametrize("name", ["vault-role", "rotation-doc", "rotation-list"])
def test_real_checkout_mysql(name: str, unformatted: Callable[[str], bool]) -> None:
    database = {**MYSQL, "role": "zz_trial", "vault_role": "mysql-zz-trial"}
    registration = registrations(**{**TRIAL, "db": database})[name]
    text = check(registration, real(registration), unformatted)
    if name == "vault-role":
        assert text.index('"mysql_zz_trial"') < text.index('_static_role" "pg_')


@pytest.mark.parametrize("name", FIXTURES)
def test_sandbox_infra(name: str, unformatted: Callable[[str], bool]) -> None:
    registration = trial(name)
    check(registration, read(SANDBOX_INFRA / registration.path), unformatted)
    if name == "vault-role":
        registration = registrations(**{**TRIAL, "db": MYSQL})[name]
        check(registration, read(SANDBOX_INFRA / registration.path), unformatted)
