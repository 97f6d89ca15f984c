"""Names that another stack has already are found where it says so, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generator.allocations import load_allocations, taken
from generator.errors import AnswersError, Problem
from generator.platform import load_platform
from generator.project import Project
from generator.sandbox.infra_repository import FILES
from generator.trees import Folder
from tests.answers import RICH, SMALLEST, TEMPLATE, UPSTREAM, answer

INGRESS = """
module "ingress" {
  source = "../../modules/kubernetes/ingress_factory"
  name   = "%s"
  %s
}
"""
PROXIED = """
module "nas" {
  source        = "./factory"
  name          = "%s"
  external_name = "nas.example.test"
}
"""
NAMESPACE = """
resource "kubernetes_namespace" "any" {
  metadata {
    name = "%s"
  }
}
"""


def found(given: dict[str, Any], *texts: str) -> list[Problem]:
    files = [(f"stacks/other{number}/main.tf", text.encode()) for number, text in enumerate(texts)]
    return taken(load_allocations(TEMPLATE, answer(given)), files)


def what(given: dict[str, Any], *texts: str) -> list[str]:
    return [problem.question for problem in found(given, *texts)]


# --- hosts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (INGRESS % ("notes-app", ""), ["host"]),
        (INGRESS % ("other", 'host = "notes-app"'), ["host"]),
        (INGRESS % ("notes-app", 'host = "other"'), []),
        (INGRESS % ("notes-app", "host = var.host"), ["host"]),
        (INGRESS % ("other", 'host = var.host\n  full_host = "notes-app.viktorbarzin.me"'), ["host"]),
        (INGRESS % ("other", 'full_host = "notes-app.example.test"'), []),
        (PROXIED % "notes-app", ["host"]),
        (PROXIED % "other", []),
        (PROXIED.replace("external_name", "storage") % "notes-app", []),
        (INGRESS % ("notes-app-api", ""), []),
        (INGRESS % ("NOTES-APP", ""), []),
        (INGRESS % ("other", '# host = "notes-app"'), []),
        (INGRESS % ("other", 'description = "notes-app"'), []),
        ((INGRESS % ("notes-app", "")).replace("ingress_factory", "anubis_instance"), []),
        ('locals {\n  text = "notes-app"\n}\n', []),
        ('resource "x" "y" {\n  name = "notes-app"\n  source = "../ingress_factory"\n}\n', []),
    ],
)
def test_a_host_is_taken_by_the_ingress_that_has_it(text: str, expected: list[str]) -> None:
    assert what({**SMALLEST, "namespace": "own"}, text) == expected


def test_the_host_that_was_asked_for_counts_and_not_the_name() -> None:
    text = INGRESS % ("city-guide", "")
    assert what({**SMALLEST, "host": "city-guide"}, text) == ["host"]
    assert what({**RICH, "host": "guide", "namespace": "own"}, text) == []


# --- namespaces --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        NAMESPACE % "notes-app",
        (NAMESPACE % "notes-app").replace("kubernetes_namespace", "kubernetes_namespace_v1"),
        'locals {\n  namespace = "notes-app"\n}\n',
    ],
)
def test_a_namespace_is_taken_by_the_stack_that_makes_it(text: str) -> None:
    assert what({**SMALLEST, "host": "own"}, text) == ["namespace"]
    assert what({**SMALLEST, "host": "own", "namespace": "mine"}, text) == []


def test_a_namespace_that_another_stack_only_uses_is_free() -> None:
    text = 'resource "kubernetes_secret" "x" {\n  metadata {\n    namespace = "notes-app"\n  }\n}\n'
    assert what({**SMALLEST, "host": "own"}, text) == []


# --- databases ---------------------------------------------------------------------------------------------

DATABASE = 'resource "null_resource" "pg_x_db" {\n  triggers = {\n    db_name = "%s"\n  }\n}\n'
ROLE = 'resource "vault_database_secret_backend_static_role" "pg_x" {\n  username = "%s"\n}\n'


def database(**more: Any) -> dict[str, Any]:
    return {**SMALLEST, "database": {"engine": "postgres", **more}}


def test_a_database_and_its_role_are_taken_by_those_that_have_them() -> None:
    told = found(database(), DATABASE % "notes_app", ROLE % "notes_app")
    assert [problem.message.partition(" '")[0] for problem in told] == [
        "database: the database",
        "database: the database role",
    ]
    assert what(database(name="own", role="mine"), DATABASE % "notes_app", ROLE % "notes_app") == []
    assert what(database(name="own", role="notes_app"), DATABASE % "notes_app", ROLE % "notes_app") == ["database"]


def test_a_database_that_exists_on_purpose_is_not_taken() -> None:
    assert what(database(provision="exists"), DATABASE % "notes_app", ROLE % "notes_app") == []


def test_without_a_database_none_is_looked_for() -> None:
    assert what(SMALLEST, DATABASE % "notes_app", ROLE % "notes_app") == []


# --- how it is told ----------------------------------------------------------------------------------------


def test_each_is_told_once_with_the_place_and_the_way_out() -> None:
    text = INGRESS % ("notes-app", "")
    (problem,) = found({**SMALLEST, "namespace": "own"}, text, text, text)
    assert problem.code == "answer.taken"
    assert problem.message == "host: the host 'notes-app' is taken by module.ingress in stacks/other0/main.tf"
    assert problem.hint == "choose another host"


def test_all_are_told_in_one_go() -> None:
    given = {**RICH, "host": "notes-app"}
    texts = (INGRESS % ("notes-app", ""), NAMESPACE % "city-guide", DATABASE % "city_guide", ROLE % "city_guide")
    assert what(given, *texts) == ["host", "namespace", "database", "database"]


def test_a_file_that_is_no_hcl_is_passed_over() -> None:
    assert what(SMALLEST, 'module "notes-app" {', INGRESS % ("notes-app", "")) == ["host"]
    files = [("stacks/x/main.tf", b"\xff\xfe notes-app")]
    assert taken(load_allocations(TEMPLATE, answer(SMALLEST)), files) == []


# --- in a repository ---------------------------------------------------------------------------------------


def project(given: dict[str, Any]) -> Project:
    return Project(TEMPLATE, load_platform(TEMPLATE.platform, environ={}), answer(given), Path("nowhere"))


def test_the_sandboxs_stacks_are_seen() -> None:
    with pytest.raises(AnswersError) as caught:
        project({**UPSTREAM, "host": "echo", "namespace": "notes"}).check_allocations(Folder(FILES))
    assert {(item.question, item.message.rpartition(" ")[2]) for item in caught.value.problems} == {
        ("host", "stacks/echo/main.tf"),
        ("namespace", "stacks/notes/main.tf"),
    }


def test_a_services_own_stack_takes_nothing_from_it(tmp_path: Path) -> None:
    stack = tmp_path / "stacks" / "notes-app"
    stack.mkdir(parents=True)
    (stack / "main.tf").write_text(INGRESS % ("notes-app", "") + NAMESPACE % "notes-app")
    project(SMALLEST).check_allocations(Folder(tmp_path))
    other = tmp_path / "stacks" / "notes-app-two"
    stack.rename(other)
    with pytest.raises(AnswersError) as caught:
        project(SMALLEST).check_allocations(Folder(tmp_path))
    assert [item.question for item in caught.value.problems] == ["host", "namespace"]


def test_only_terraform_files_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "stacks" / "other"
    folder.mkdir(parents=True)
    (folder / "notes.md").write_text(INGRESS % ("notes-app", ""))
    (tmp_path / "main.tf").write_text(INGRESS % ("notes-app", ""))
    project(SMALLEST).check_allocations(Folder(tmp_path))
