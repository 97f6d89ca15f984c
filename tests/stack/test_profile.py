"""Another platform's names for what stacks share: the template knows roles, the profile says the words."""

from __future__ import annotations

from typing import Any

import pytest

from .hcl import Expression, parse
from .invariants import problems
from .rendering import VOLUME, stack
from .workload import IN_THE_JOB

PROFILE: dict[str, Any] = {
    "variables": {
        "pg_host": "database_address",
        "mysql_host": "mariadb_address",
        "redis_host": "cache_address",
        "mail_host": "smtp_address",
        "nfs_server": "filer_address",
    },
    "databases": {"postgres": {"port": 6432}},
    "redis": {"port": 6380},
    "wait_for": {
        "annotation": "example.org/after",
        "postgres": "pooler.data:6432",
        "mysql": "mariadb.data:3306",
        "redis": "cache.data:6380",
    },
    "anubis_middlewares": ["edge-toll@file"],
}
OPEN: dict[str, Any] = {"auth": "none", "auth_reason": "a public page"}


def declared(files: dict[str, str]) -> list[str]:
    variables = [block.labels[0] for block in parse(files["main.tf"]).all("variable")]
    return [variable for variable in variables if variable not in ("image_tag", "tls_secret_name")]


@pytest.mark.parametrize(
    ("given", "variable", "file", "text"),
    [
        ({"env": {"A": "{pg_host}"}}, "database_address", "deployment.tf", "= var.database_address\n"),
        ({"env": {"A": "{mysql_host}/"}}, "mariadb_address", "deployment.tf", '"${var.mariadb_address}/"'),
        ({"env": {"A": "{mail_host}"}}, "smtp_address", "deployment.tf", "= var.smtp_address\n"),
        ({"env": {"A": "{nfs_server}"}}, "filer_address", "deployment.tf", "= var.filer_address\n"),
        ({"database": "postgres"}, "database_address", "secrets.tf", "@${var.database_address}:6432/"),
        (
            {"database": {"engine": "mysql", "env": {"H": "host"}}},
            "mariadb_address",
            "secrets.tf",
            "H = var.mariadb_address\n",
        ),
        ({"redis": 3}, "cache_address", "deployment.tf", '"redis://${var.cache_address}:6380/3"'),
        ({**OPEN, "anubis": True}, "cache_address", "ingress.tf", '"redis://${var.cache_address}:6380/9"'),
        ({"volumes": [VOLUME]}, "filer_address", "backup.tf", "= var.filer_address\n"),
        ({"volumes": [{**VOLUME, "kind": "nfs"}]}, "filer_address", "storage.tf", "= var.filer_address\n"),
    ],
)
def test_an_address_is_the_platforms_own_variable(given: dict[str, Any], variable: str, file: str, text: str) -> None:
    files = stack(profile=PROFILE, **given)
    assert declared(files) == [variable]
    assert text in files[file]
    assert not problems(files)


def test_two_addresses_may_be_one_variable() -> None:
    profile = {"variables": {"pg_host": "gateway", "redis_host": "gateway"}}
    files = stack(profile=profile, database="postgres", redis=1, env={"A": "{redis_host}:{pg_host}"})
    assert declared(files) == ["gateway"]
    assert '"${var.gateway}:${var.gateway}"' in files["deployment.tf"]
    assert not problems(files)


def test_a_database_may_be_behind_the_address_of_another_token() -> None:
    files = stack(profile={"databases": {"mysql": {"host": "pg_host"}}}, database="mysql")
    assert declared(files) == ["postgresql_host"]
    assert "@${var.postgresql_host}:3306/" in files["secrets.tf"]


def test_requests_behind_anubis_pass_the_platforms_own_middlewares() -> None:
    def passed(label: str, profile: dict[str, Any], **given: Any) -> tuple[Any, Any]:
        found = parse(stack(profile=profile, **OPEN, **given)["ingress.tf"]).labelled(label).attributes
        return found.get("skip_default_rate_limit"), found.get("extra_middlewares")

    home = {"host": "cg", "auth": "app", "reason": "its own login"}
    limit = {"rate_limit": {"average": 5, "burst": 9}, "lan_host": home}
    own = "traefik-city-guide-rate-limit@kubernetescrd"
    assert passed("ingress", PROFILE) == (None, None)
    assert passed("ingress", PROFILE, anubis=True) == (None, ["edge-toll@file"])
    assert passed("ingress", PROFILE, anubis=True, **limit) == (True, [own, "edge-toll@file"])
    assert passed("ingress_lan", PROFILE, anubis=True, **limit) == (True, [own])
    assert passed("ingress", {"anubis_middlewares": []}, anubis=True) == (None, None)
    assert passed("ingress", {"anubis_middlewares": []}, anubis=True, **limit) == (True, [own])


@pytest.mark.parametrize("kind", ["web", "worker", "cronjob"])
def test_pods_wait_at_the_platforms_own_addresses(kind: str) -> None:
    files = stack(profile=PROFILE, kind=kind, database="postgres", redis=1)
    path = IN_THE_JOB[:-1] if kind == "cronjob" else ("spec", "template")
    workload = parse(files["cronjobs.tf" if kind == "cronjob" else "deployment.tf"]).one("resource")
    annotations = workload.one(*path).one("metadata")["annotations"]
    assert annotations == {"example.org/after": "pooler.data:6432,cache.data:6380"}


@pytest.mark.parametrize(
    ("value", "awaited"),
    [
        ("{pg_host}", "pooler.data:6432"),
        ("mysql://{mysql_host}/x?cache={redis_host}", "mariadb.data:3306,cache.data:6380"),
        ("{mail_host}", None),
        ("{nfs_server} pg_host", None),
    ],
)
def test_pods_wait_for_a_server_that_their_env_names(value: str, awaited: str | None) -> None:
    files = stack(profile=PROFILE, env={"A": value, "B": 1})
    metadata = parse(files["deployment.tf"]).one("resource", "spec", "template", "metadata")
    assert metadata.attributes.get("annotations") == ({"example.org/after": awaited} if awaited else None)
    assert not problems(files)


def test_a_token_alone_is_the_variable_itself() -> None:
    files = stack(profile=PROFILE, env={"A": "{mail_host}", "B": "{unknown}"})
    container = parse(files["deployment.tf"]).one("resource", "spec", "template", "spec", "container")
    found = {env["name"]: env["value"] for env in container.all("env")}
    assert found == {"A": Expression("var.smtp_address"), "B": "{unknown}"}
