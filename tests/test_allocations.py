"""What another stack has already is found where it says so, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from generator.base.errors import AnswersError, Problem
from generator.engine.project import Project
from generator.infra_repo.allocations import Holding, collisions, load_allocations, pick, survey
from generator.infra_repo.trees import Folder
from generator.platform.profile import load_platform
from generator.sandbox.infra_repository import FILES
from generator.template.answers import resolve
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, UPSTREAM, answer

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


def holdings(given: dict[str, Any], *texts: str, suffix: str = ".tf") -> list[Holding]:
    files = [(f"stacks/other{number}/main{suffix}", text.encode()) for number, text in enumerate(texts)]
    return survey(load_allocations(TEMPLATE, answer(given)), files)


def found(given: dict[str, Any], *texts: str, suffix: str = ".tf") -> list[Problem]:
    return collisions(load_allocations(TEMPLATE, answer(given)), holdings(given, *texts, suffix=suffix), {})


def what(given: dict[str, Any], *texts: str) -> list[str]:
    return [problem.question for problem in found(given, *texts)]


# --- images ------------------------------------------------------------------------------------------------

IMAGE = """
locals {
  image = "%s"
}
"""


@pytest.mark.parametrize(
    ("given", "image", "taken"),
    [
        ({}, "ghcr.io/viktorbarzin/notes-app:${var.image_tag}", ["image_name"]),
        ({"image_name": "shelf"}, "ghcr.io/viktorbarzin/shelf:${var.tag}", ["image_name"]),
        ({"image_name": "shelf"}, "ghcr.io/viktorbarzin/notes-app:${var.tag}", []),
        ({"image_name": "shelf"}, "ghcr.io/viktorbarzin/shelf-two:${var.tag}", []),
        ({"image_name": "shelf"}, "ghcr.io/other/shelf:${var.tag}", []),
        # Who runs it under a fixed tag does not build it, and who builds nothing takes nothing from anybody.
        ({"image_name": "shelf"}, "ghcr.io/viktorbarzin/shelf:latest", []),
        ({"image_name": "shelf", "ci": False}, "ghcr.io/viktorbarzin/shelf:${var.tag}", []),
        (
            {"image_name": "shelf", "ci": False, "updates": "ci"},
            "ghcr.io/viktorbarzin/shelf:${var.tag}",
            ["image_name"],
        ),
        ({"images": [{"name": "a"}, {"name": "shelf"}]}, "ghcr.io/viktorbarzin/shelf:${var.tag}", ["images"]),
        ({"images": [{"name": "shelf"}]}, "ghcr.io/viktorbarzin/shelf:latest", []),
        ({"images": [{"name": "shelf"}]}, "ghcr.io/viktorbarzin/shelf-two:${var.tag}", []),
    ],
)
def test_an_image_that_another_service_builds(given: dict[str, Any], image: str, taken: list[str]) -> None:
    assert what({**SMALLEST, **given}, IMAGE % image) == taken


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


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", []),
        ('ingress_path = ["/"]', []),
        ('ingress_path = ["/other"]', []),
        ('ingress_path = ["/other", "/hooks"]', ["host"]),
        ('ingress_path = ["/hooks/"]', ["host"]),
        ('ingress_path = ["/app"]', ["host"]),
        ('ingress_path = ["/apps"]', []),
        ('ingress_path = ["/other", local.path]', ["host"]),
        ("ingress_path = local.paths", ["host"]),
        ("ingress_path = []", []),
        ('# ingress_path = ["/hooks"]', []),
    ],
)
def test_only_the_same_path_of_a_host_is_taken(settings: str, expected: list[str]) -> None:
    ours = {**RICH, "host": "notes-app", "paths": ["/app"]}
    assert what(ours, INGRESS % ("notes-app", settings)) == expected
    full_host = f'full_host = "notes-app.viktorbarzin.me"\n  {settings}'
    assert what(ours, INGRESS % ("other", full_host)) == expected


def test_a_host_whose_root_another_stack_has_is_taken_by_default() -> None:
    assert what(SMALLEST, INGRESS % ("notes-app", 'ingress_path = ["/", "/more"]')) == ["host"]
    assert what(SMALLEST, INGRESS % ("notes-app", 'ingress_path = ["/more"]')) == []


HOOKS = {"name": "hooks", "paths": ["/hooks"], "reason": "signed webhooks"}
LAN = 'root_domain = "viktorbarzin.lan"'


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({}, LAN, []),
        ({}, 'root_domain = "viktorbarzin.me"', ["host"]),
        ({}, "root_domain = var.domain", ["host"]),
        ({"dns": "lan"}, LAN, ["host"]),
        ({"dns": "lan"}, "", []),
        ({"dns": "lan"}, "root_domain = var.domain", ["host"]),
        ({"dns": "lan"}, 'full_host = "notes-app.viktorbarzin.lan"', ["host"]),
        ({"lan_host": {"host": "notes-app"}}, LAN, ["lan_host"]),
        ({"lan_host": {"host": "notes-app"}}, "", ["host"]),
        ({"lan_host": {"host": "notes-app"}}, "root_domain = var.domain", ["host", "lan_host"]),
        ({"lan_host": {"host": "notes-app"}}, f'{LAN}\n  ingress_path = ["/query"]', []),
        ({"lan_host": {"host": "elsewhere"}}, LAN, []),
        (
            {"lan_host": {"host": "notes-app"}, "paths": ["/query"]},
            f'{LAN}\n  ingress_path = ["/query/"]',
            ["lan_host"],
        ),
        ({"lan_host": {"host": "notes-app"}, "paths": ["/query"]}, LAN, []),
        ({"lan_host": {"host": "notes-app"}, "carveouts": [HOOKS]}, f'{LAN}\n  ingress_path = ["/hooks"]', []),
        ({"carveouts": [HOOKS]}, 'ingress_path = ["/hooks"]', ["host"]),
    ],
)
def test_the_home_network_has_hosts_of_its_own(ours: dict[str, Any], theirs: str, expected: list[str]) -> None:
    assert what({**SMALLEST, **ours}, INGRESS % ("notes-app", theirs)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Host(`notes-app.viktorbarzin.me`)", ["host"]),
        ("Host(`notes-app.viktorbarzin.me`) && PathPrefix(`/`)", ["host"]),
        ("Host(`notes-app.viktorbarzin.me`) && PathPrefix(`/api/`)", []),
        ("Host(`x.viktorbarzin.me`) || Host(`notes-app.viktorbarzin.me`)", ["host"]),
        ("Host(`notes-app.viktorbarzin.me`) || PathPrefix(`/api/`)", ["host"]),
        ("Host(`my-notes-app.viktorbarzin.me`)", []),
        ("ask notes-app.viktorbarzin.me", []),
    ],
)
def test_a_route_of_the_ingress_controllers_own_has_its_host(text: str, expected: list[str]) -> None:
    manifest = 'resource "kubernetes_manifest" "x" {\n  manifest = { spec = { routes = [{ match = "%s" }] } }\n}\n'
    assert what(SMALLEST, manifest % text) == expected


def test_an_ingress_written_out_has_its_host() -> None:
    text = """
resource "kubernetes_ingress_v1" "x" {
  spec {
    rule {
      host = "%s.viktorbarzin.me"
      http {
        path {
          path = "%s"
        }
      }
    }
  }
}
"""
    assert what(SMALLEST, text % ("notes-app", "/")) == ["host"]
    assert what(SMALLEST, text % ("notes-app", "/graphql")) == []
    assert what(SMALLEST, text % ("other", "/")) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  host: notes-app.viktorbarzin.me", ["host"]),
        ('    - host: "notes-app.viktorbarzin.me"', ["host"]),
        ("    - notes-app.viktorbarzin.me", ["host"]),
        ("  # host: notes-app.viktorbarzin.me", []),
        ("  url: https://notes-app.viktorbarzin.me", []),
        ("  ALLOWED_HOSTS: notes-app.viktorbarzin.me", []),
        ("  host: notes-app.viktorbarzin.lan", []),
    ],
)
def test_a_charts_values_have_its_host(line: str, expected: list[str]) -> None:
    text = f"ingress:\n{line}\n"
    completed = found(SMALLEST, text, suffix=".yaml")
    assert [problem.question for problem in completed] == expected
    assert what(SMALLEST, text) == []  # no Terraform
    for problem in completed:
        assert problem.message.endswith("is taken by line 2 of stacks/other0/main.yaml")


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
ROLE = """
resource "vault_database_secret_backend_static_role" "pg_x" {
  name     = "pg-x"
  username = "%s"
}
"""


def database(**more: Any) -> dict[str, Any]:
    return {**SMALLEST, "database": {"engine": "postgres", **more}}


def test_a_database_and_its_role_are_taken_by_those_that_have_them() -> None:
    completed = found(database(), DATABASE % "notes_app", ROLE % "notes_app")
    assert [problem.message.partition(" '")[0] for problem in completed] == [
        "database: the database",
        "database: the database role",
    ]
    assert what(database(name="own", role="mine"), DATABASE % "notes_app", ROLE % "notes_app") == []
    assert what(database(name="own", role="notes_app"), DATABASE % "notes_app", ROLE % "notes_app") == ["database"]


def test_a_database_that_exists_on_purpose_is_not_taken() -> None:
    assert what(database(provision="exists"), DATABASE % "notes_app", ROLE % "notes_app") == []


def test_without_a_database_none_is_looked_for() -> None:
    assert what(SMALLEST, DATABASE % "notes_app", ROLE % "notes_app") == []


def test_two_engines_have_names_of_their_own() -> None:
    mysql = {**SMALLEST, "database": {"engine": "mysql"}}
    assert what(mysql, DATABASE % "notes_app", ROLE % "notes_app") == []
    assert what(mysql, DATABASE.replace("pg_", "mysql_") % "notes_app") == ["database"]
    assert what(mysql, ROLE.replace("pg-", "mysql-") % "notes_app") == ["database"]
    assert what(database(), ROLE.replace("pg-", "mysql-") % "notes_app") == []
    unknown = ROLE.replace('"pg-x"', "each.key") % "notes_app"
    assert what(mysql, unknown) == what(database(), unknown) == ["database"]


def test_users_of_mysql_whose_password_stays_have_database_and_role() -> None:
    text = "locals {\n  mysql_static_users = {\n    %s = { database = %s, password = var.p }\n  }\n}\n"
    mysql = {**SMALLEST, "database": {"engine": "mysql", "name": "notes", "role": "writer"}}
    assert what(mysql, text % ("writer", '"other"')) == ["database"]
    assert what(mysql, text % ('"other"', '"notes"')) == ["database"]
    assert what(mysql, text % ("other", '"other"')) == []
    # What exists can be shared, but for a password that both its stack and Vault would set.
    exists = {**SMALLEST, "database": {"engine": "mysql", "name": "notes", "role": "writer", "provision": "exists"}}
    assert what(exists, text % ("writer", '"other"')) == ["database"]
    assert what(exists, text % ('"other"', '"notes"')) == []
    assert what(database(name="notes", role="writer"), text % ("writer", '"notes"')) == []


def test_a_database_that_a_command_makes_is_taken() -> None:
    text = 'resource "null_resource" "x" {\n  provisioner "local-exec" {\n    command = <<-EOT\n%s\nEOT\n  }\n}\n'
    assert what(database(), text % 'psql -c "CREATE DATABASE notes_app OWNER notes_app"') == ["database"]
    assert what(database(), text % "CREATE DATABASE IF NOT EXISTS `notes_app`;") == ["database"]
    assert what(database(), text % "CREATE DATABASE notes_apps; -- notes_app") == []


# --- persistent volumes ------------------------------------------------------------------------------------

SHARED = 'module "x" {\n  source = "../../modules/kubernetes/nfs_volume"\n  name = %s\n}\n'
VOLUME = 'resource "kubernetes_persistent_volume%s" "x" {\n  metadata {\n    name = %s\n  }\n}\n'
FILMS = {"name": "films", "mount": "/films", "kind": "nfs"}
DATA = {"name": "data", "mount": "/data"}


@pytest.mark.parametrize("kind", ["nfs", "nfs-ssd"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SHARED % '"notes-app-films"', ["volumes"]),
        (VOLUME % ("", '"notes-app-films"'), ["volumes"]),
        (VOLUME % ("_v1", '"notes-app-films"'), ["volumes"]),
        (SHARED % '"notes-app-backup"', []),
        (SHARED % '"films"', []),
        (SHARED % 'var.name\n  description = "notes-app-films"', []),
        ((SHARED % '"notes-app-films"').replace("nfs_volume", "anubis_instance"), []),
        (VOLUME % ("_claim", '"notes-app-films"'), []),
        (VOLUME % ("_claim_v1", '"notes-app-films"'), []),
    ],
)
def test_a_persistent_volumes_name_is_the_whole_clusters(kind: str, text: str, expected: list[str]) -> None:
    assert what({**SMALLEST, "volumes": [{**FILMS, "kind": kind}]}, text) == expected
    assert what(SMALLEST, text) == []


def test_the_name_of_an_adopted_volume_counts() -> None:
    given = {**SMALLEST, "volumes": [FILMS], "names": {"claims": {"films": {"name": "cinema"}}}}
    (problem,) = found(given, SHARED % '"cinema"', SHARED % '"notes-app-films"')
    assert (problem.code, problem.question) == ("answer.taken", "volumes")
    assert problem.message == "volumes: the persistent volume 'cinema' is taken by module.x in stacks/other0/main.tf"


def test_the_volume_that_backups_go_to_has_a_name_too() -> None:
    assert what({**SMALLEST, "volumes": [DATA]}, SHARED % '"notes-app-backup"') == ["name"]
    assert what({**SMALLEST, "volumes": [DATA], "backup": "none"}, SHARED % '"notes-app-backup"') == []
    assert what({**SMALLEST, "volumes": [DATA]}, SHARED % '"notes-app-data-encrypted"') == [], "a claim of ours alone"


# --- another platform's modules ----------------------------------------------------------------------------


def test_modules_have_the_names_that_the_profile_gives_them() -> None:
    modules = {"ingress": "git::https://example.test/modules.git//way-in", "nfs_volume": "../shared/share"}
    answers = resolve(TEMPLATE, QUESTIONS, {**SMALLEST, "volumes": [FILMS]}, {"profile": {"modules": modules}})
    ingress, shared = INGRESS % ("notes-app", ""), SHARED % '"notes-app-films"'
    texts = [
        ingress,
        shared,
        ingress.replace("ingress_factory", "way-in"),
        shared.replace("kubernetes/nfs_volume", "share"),
    ]
    files = [(f"stacks/s{number}/main.tf", text.encode()) for number, text in enumerate(texts)]
    needed = load_allocations(TEMPLATE, answers)
    completed = [problem.message.rpartition(" ")[2] for problem in collisions(needed, survey(needed, files), {})]
    assert completed == ["stacks/s2/main.tf", "stacks/s3/main.tf"]


# --- secrets -----------------------------------------------------------------------------------------------

EXTERNAL = """
resource "kubernetes_manifest" "x" {
  manifest = {
    spec = {
      %s
    }
  }
}
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (EXTERNAL % 'dataFrom = [{ extract = { key = "notes-app" } }]', ["name"]),
        (EXTERNAL % 'data = [{ secretKey = "A", remoteRef = { key = "notes-app", property = "a" } }]', ["name"]),
        (EXTERNAL % 'data = [for p in local.all : { remoteRef = { key = "notes-app", property = p } }]', ["name"]),
        (EXTERNAL % 'data = [{ secretKey = "notes-app", remoteRef = { key = "other", property = "notes-app" } }]', []),
        (EXTERNAL % 'dataFrom = [{ extract = { key = "static-creds/notes-app" } }]', []),
        ('data "vault_kv_secret_v2" "x" {\n  mount = "secret"\n  name = "notes-app"\n}\n', ["name"]),
        ('data "vault_kv_secret_v2" "x" {\n  mount = "other"\n  name = "notes-app"\n}\n', []),
        ('data "vault_kv_secret_v2" "notes-app" {\n  mount = "secret"\n  name = "other"\n}\n', []),
    ],
)
def test_a_vault_path_is_taken_by_who_reads_it(text: str, expected: list[str]) -> None:
    widget = {"type": "gitea", "credentials": {"key": "token"}}
    assert what({**SMALLEST, "secrets": {"TOKEN": "token"}}, text) == expected
    assert what({**SMALLEST, "homepage": {"widget": widget}}, text) == expected
    assert what({**SMALLEST, "homepage": {"widget": widget, "enabled": False}}, text) == []
    assert what(SMALLEST, text) == []


# --- indexes -----------------------------------------------------------------------------------------------

VALUE = "locals {\n  %s\n}\n"
ENV = 'resource "x" "y" {\n  spec {\n    env {\n      name  = "%s"\n      value = %s\n    }\n  }\n}\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (VALUE % 'url = "redis://${var.redis_host}:6379/4"', "4"),
        (VALUE % 'url = "rediss://:${var.password}@redis-master.redis:6379/14?timeout=1"', "14"),
        (VALUE % 'url = "redis://${var.redis_host}:6379"', "0"),
        (VALUE % 'url = "redis://${var.redis_host}"', "0"),
        (VALUE % 'a = merge(local.a, { nested = [{ URL = "redis://host:6379/3" }] })', "3"),
        ('module "anubis" {\n  shared_store_url = "redis://redis-master.redis.svc:6379/5"\n}\n', "5"),
        (VALUE % "yaml = <<-EOT\n    url: redis://host:6379/6\n  EOT", "6"),
        (VALUE % 'APP_REDIS_DB = "3"', "3"),
        (VALUE % "REDIS_CACHE_DB = 7", "7"),
        (ENV % ("REDIS_DB", '"2"'), "2"),
        (ENV % ("NOTES_REDIS_DATABASE", "9"), "9"),
        (ENV % ("REDIS_HOST", "var.redis_host"), "0"),
        (ENV % ("REDIS_SERVER_HOST", '"redis-master.redis"'), "0"),
        (ENV % ("REDIS_URL", '"redis://${var.redis_host}:6379/11"'), "11"),
        (ENV % ("REDIS_PORT", "6379"), None),
        (ENV % ("REDIS_DB", "var.index"), None),
        (VALUE % '# url = "redis://${var.redis_host}:6379/4"', None),
        (VALUE % 'wait_for = "redis-master.redis:6379"', None),
        (VALUE % 'url = "redis://localhost:6379/4"', None),
        (VALUE % "host = var.redis_host", None),
    ],
)
def test_an_index_is_seen_however_it_is_written(text: str, expected: str | None) -> None:
    held = [holding.value for holding in holdings({**SMALLEST, "redis": True}, text)]
    assert held == ([] if expected is None else [expected])


def test_an_index_in_a_charts_values_is_seen() -> None:
    text = "env:\n  # redis://host:6379/1\n  URL: redis://host:6379/2\n"
    (holding,) = holdings({**SMALLEST, "redis": True}, text, suffix=".yaml")
    assert (holding.value, holding.where) == ("2", "line 3 of stacks/other0/main.yaml")


def urls(*indexes: int) -> str:
    return "".join(VALUE % f'url = "redis://${{var.redis_host}}:6379/{index}"' for index in indexes)


def test_the_lowest_free_index_is_picked() -> None:
    needed = load_allocations(TEMPLATE, answer({**SMALLEST, "redis": True}))
    held = holdings({**SMALLEST, "redis": True}, urls(0, 1, 2, 4))
    assert pick(needed, held, {}) == {"redis_index": 3}
    assert pick(needed, held, {"redis_index": 7}) == {"redis_index": 7}
    assert pick(needed, held, {"redis_index": 1}) == {"redis_index": 1}, "what is recorded stays"
    assert pick(needed, held, {"redis_index": -1}) == {"redis_index": 3}
    assert pick(needed, held, {"redis_index": 16}) == {"redis_index": 3}
    assert collisions(needed, held, {"redis_index": 3}) == []


ANUBIS: dict[str, Any] = {**SMALLEST, "anubis": True, "auth": "none", "auth_reason": "public reading"}


@pytest.mark.parametrize(
    ("redis", "recorded", "expected"),
    [
        (False, {}, {"anubis_redis_index": 1}),
        (True, {}, {"redis_index": 1, "anubis_redis_index": 3}),
        (1, {}, {"anubis_redis_index": 3}),
        (True, {"anubis_redis_index": 1}, {"redis_index": 3, "anubis_redis_index": 1}),
    ],
)
def test_anubis_has_an_index_of_its_own(redis: bool | int, recorded: dict[str, Any], expected: dict[str, int]) -> None:
    given = {**ANUBIS, "redis": redis}
    assert pick(load_allocations(TEMPLATE, answer(given)), holdings(given, urls(0, 2)), recorded) == expected


def test_an_index_that_is_given_must_be_free() -> None:
    (problem,) = found({**SMALLEST, "redis": 4}, urls(0, 1, 4))
    assert (problem.code, problem.question) == ("answer.taken", "redis")
    assert problem.message == "redis: the Redis index '4' is taken by locals in stacks/other0/main.tf"
    assert problem.hint == "choose another Redis index, such as 2, which is free"
    assert found({**SMALLEST, "redis": 5}, urls(0, 1, 4)) == []
    assert [item.question for item in found({**SMALLEST, "redis": 0}, urls(0))] == ["redis"]
    assert found({**SMALLEST, "redis": False}, urls(0)) == []


def test_an_index_that_was_picked_must_still_be_free() -> None:
    given = {**ANUBIS, "redis": True}
    needed, held = load_allocations(TEMPLATE, answer(given)), holdings(given, urls(4))
    (problem,) = collisions(needed, held, {"redis_index": 3, "anubis_redis_index": 4})
    assert problem.question == "anubis"


def test_no_free_index_is_an_answer_to_correct() -> None:
    given = {**ANUBIS, "redis": True}
    needed, held = load_allocations(TEMPLATE, answer(given)), holdings(given, urls(*range(15)))
    with pytest.raises(AnswersError) as caught:
        pick(needed, held, {})
    (problem,) = caught.value.problems
    assert (problem.code, problem.question) == ("answer.taken", "anubis")
    assert "each Redis index of the platform's 16 is taken" in problem.message
    (problem,) = found({**SMALLEST, "redis": 4}, urls(*range(16)))
    assert problem.hint == "choose another Redis index"


# --- how it is told ----------------------------------------------------------------------------------------


def test_each_is_reported_once_with_the_place_and_the_way_out() -> None:
    text = INGRESS % ("notes-app", "")
    (problem,) = found({**SMALLEST, "namespace": "own"}, text, text, text)
    assert problem.code == "answer.taken"
    assert problem.message == (
        "host: the host 'notes-app' with path '/' is taken by module.ingress in stacks/other0/main.tf"
    )
    assert problem.hint == "choose another host"


def test_all_are_reported_in_one_go() -> None:
    given = {**RICH, "host": "notes-app"}
    texts = (INGRESS % ("notes-app", ""), NAMESPACE % "city-guide", DATABASE % "city_guide", ROLE % "city_guide")
    assert what(given, *texts) == ["host", "namespace", "database", "database"]


def test_a_file_that_is_no_hcl_is_passed_over() -> None:
    assert what(SMALLEST, 'module "notes-app" {', INGRESS % ("notes-app", "")) == ["host"]
    files = [("stacks/x/main.tf", b"\xff\xfe notes-app")]
    assert survey(load_allocations(TEMPLATE, answer(SMALLEST)), files) == []


# --- shares of a capacity ----------------------------------------------------------------------------------

TENANT = """
resource "kubernetes_deployment" "%s" {
  spec {
    replicas = 1
    template {
      spec {
        container {
          resources {
            limits = {
              memory = "4Gi"
              "nvidia.com/gpu" = "1"
              # a share of the GPU
              "viktorbarzin.me/gpumem" = %s
            }
          }
        }
      }
    }
  }
}
"""
ON_GPU: dict[str, Any] = {**UPSTREAM, "tier": "gpu", "gpu": True}
FULL = [
    TENANT % ("photos", '"3000"'),
    TENANT % ("models", "5000") + TENANT % ("video", '"1500"'),
    TENANT % ("tv", '"1500"'),
]
"""Others hold 11000 MiB of the 14000 there are, two of them the same share."""


@pytest.mark.parametrize(("wanted", "expected"), [(3000, []), (3001, ["gpu_memory"]), (14000, ["gpu_memory"]), (0, [])])
def test_shares_are_added_up_and_must_not_exceed_the_capacity(wanted: int, expected: list[str]) -> None:
    assert what({**ON_GPU, "gpu_memory": wanted}, *FULL) == expected


def test_who_has_how_much_is_reported_with_the_largest_first() -> None:
    (problem,) = found({**ON_GPU, "gpu_memory": 4000}, *FULL)
    assert problem.code == "answer.taken"
    assert problem.message == (
        "gpu_memory: it wants 4000 MiB of GPU memory, and 3000 of 14000 are free; others have "
        "5000 in resource.kubernetes_deployment.models in stacks/other1/main.tf, "
        "3000 in resource.kubernetes_deployment.photos in stacks/other0/main.tf, "
        "1500 in resource.kubernetes_deployment.tv in stacks/other2/main.tf, "
        "1500 in resource.kubernetes_deployment.video in stacks/other1/main.tf"
    )
    assert problem.hint == "ask for 3000 at most, or lower the share of one of the others first"
    (none,) = found({**ON_GPU, "gpu_memory": 1}, *FULL, TENANT % ("more", '"3000"'))
    assert none.hint.startswith("do without, or")


@pytest.mark.parametrize(
    ("more", "share"),
    [
        ({}, 1000),
        ({"replicas": 3}, 3000),
        ({"replicas": 0}, 1000),  # it is wanted again when it wakes
        ({"cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["x"]}]}, 2000),
        ({"cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["x"], "suspend": True}]}, 2000),
        ({"kind": "cronjob"}, 1000),
    ],
)
def test_each_pod_that_may_run_has_a_share(more: dict[str, Any], share: int) -> None:
    held = TENANT % ("photos", f'"{14000 - share}"')
    assert what({**ON_GPU, "gpu_memory": 1000, **more}, held) == []
    held = TENANT % ("photos", f'"{14001 - share}"')
    assert what({**ON_GPU, "gpu_memory": 1000, **more}, held) == ["gpu_memory"]


@pytest.mark.parametrize(("replicas", "free"), [("3", 8000), ("0", 12000), ("var.pods", 12000), ("1", 12000)])
def test_each_pod_of_others_has_a_share(replicas: str, free: int) -> None:
    held = (TENANT % ("photos", '"2000"')).replace("replicas = 1", f"replicas = {replicas}")
    assert what({**ON_GPU, "gpu_memory": free}, held) == []
    (problem,) = found({**ON_GPU, "gpu_memory": free + 1}, held)
    assert f"and {free} of 14000 are free; others have {14000 - free} in" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        TENANT % ("photos", "var.share"),
        (TENANT % ("photos", '"14000"')).replace("gpumem", "gpumemory"),
        (TENANT % ("photos", '"14000"')).replace("limits =", "requests ="),
        (TENANT % ("photos", '"14000"')).replace("container {", "init_container {"),  # its pod's containers have theirs
        (TENANT % ("photos", '"14000"')).replace('"viktorbarzin', '# "viktorbarzin'),
        'variable "gpumem" {\n  default = "viktorbarzin.me/gpumem"\n}\n',
    ],
)
def test_what_says_no_share_counts_nothing(text: str) -> None:
    assert what({**ON_GPU, "gpu_memory": 14000}, text) == []


def test_a_share_that_nobody_said_is_asked_for() -> None:
    with pytest.raises(AnswersError) as caught:
        answer(ON_GPU)
    (problem,) = caught.value.problems
    assert problem.message == "gpu_memory: say how many MiB of the GPU's memory it gets, or 0 for none"


def test_containers_of_one_workload_have_a_share_each_and_a_second_branch_repeats_it() -> None:
    wanted = load_allocations(TEMPLATE, answer({**ON_GPU, "gpu_memory": 4000}))
    container = re.search(r" {8}container \{.*?\n {8}\}\n", TENANT, re.DOTALL)
    assert container
    two = (TENANT.replace(container[0], container[0] * 2) % ("photos", '"3000"', '"2000"')).encode()
    here = survey(wanted, [("stacks/photos/main.tf", two)])
    assert [holding.value for holding in here] == ["5000"]
    waiting = survey(wanted, [("stacks/photos/main.tf", (TENANT % ("photos", '"10001"')).encode())])
    assert collisions(wanted, [*here, *here], {}) == []
    (problem,) = collisions(wanted, [*here, *waiting], {})
    assert "and 3999 of 14000 are free" in problem.message


def test_a_platform_that_gives_out_no_memory_counts_none() -> None:
    facts = {**TEMPLATE.platform, "gpu": {**TEMPLATE.platform["gpu"], "memory": None}}
    answers = resolve(TEMPLATE, QUESTIONS, ON_GPU, {"platform": facts})
    assert "gpu_memory" not in answers.values
    assert [item.what for item in load_allocations(TEMPLATE, answers) if item.capacity] == []


# --- in a repository ---------------------------------------------------------------------------------------


def project(given: dict[str, Any]) -> Project:
    return Project(TEMPLATE, load_platform(TEMPLATE.platform, environ={}), answer(given), Path("nowhere"))


def check(given: dict[str, Any], folder: Path) -> None:
    wanted = project(given)
    wanted.check_allocations(wanted.survey(Folder(folder)), {})


def test_the_sandboxs_stacks_are_seen() -> None:
    with pytest.raises(AnswersError) as caught:
        check({**UPSTREAM, "host": "echo", "namespace": "notes"}, FILES)
    assert {(item.question, item.message.rpartition(" ")[2]) for item in caught.value.problems} == {
        ("host", "stacks/echo/main.tf"),
        ("namespace", "stacks/notes/main.tf"),
    }


def test_a_services_own_stack_takes_nothing_from_it(tmp_path: Path) -> None:
    stack = tmp_path / "stacks" / "notes-app"
    stack.mkdir(parents=True)
    (stack / "main.tf").write_text(INGRESS % ("notes-app", "") + NAMESPACE % "notes-app")
    check(SMALLEST, tmp_path)
    other = tmp_path / "stacks" / "notes-app-two"
    stack.rename(other)
    with pytest.raises(AnswersError) as caught:
        check(SMALLEST, tmp_path)
    assert [item.question for item in caught.value.problems] == ["host", "namespace"]


def test_only_terraform_files_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "stacks" / "other"
    folder.mkdir(parents=True)
    (folder / "notes.md").write_text(INGRESS % ("notes-app", ""))
    (tmp_path / "main.tf").write_text(INGRESS % ("notes-app", ""))
    check(SMALLEST, tmp_path)
