"""Secrets: what is read from Vault, where it goes, and who notices that it changed."""

from __future__ import annotations

from typing import Any

import pytest

from .hcl import Expression
from .rendering import PICKED, UPSTREAM, file, stack
from .workload import container, deployment, environment, job_pod


class TestSecrets:
    def test_chosen_properties_reach_the_container_under_their_variables(self) -> None:
        given = {"secrets": {"API_TOKEN": "api_token"}}
        secret = file("secrets.tf", **given).labelled("kubernetes_manifest", "external_secret")
        manifest = secret["manifest"]
        assert manifest["apiVersion"] == "external-secrets.io/v1"
        assert secret.one("field_manager").attributes == {"force_conflicts": True}
        assert manifest["kind"] == "ExternalSecret"
        assert manifest["metadata"] == {"name": "city-guide-secrets", "namespace": Expression("local.namespace")}
        assert manifest["spec"] == {
            "refreshInterval": "15m",
            "secretStoreRef": {"name": "vault-kv", "kind": "ClusterSecretStore"},
            "target": {
                "name": "city-guide-secrets",
                "template": {"metadata": {"annotations": {"reloader.stakater.com/match": "true"}}},
            },
            "data": [{"secretKey": "API_TOKEN", "remoteRef": {"key": "city-guide", "property": "api_token"}}],
        }
        assert secret["depends_on"] == [Expression("kubernetes_namespace.city_guide")]
        env = container(**given).one("env")
        assert env["name"] == "API_TOKEN"
        assert env.one("value_from", "secret_key_ref").attributes == {"name": "city-guide-secrets", "key": "API_TOKEN"}
        assert deployment(**given)["depends_on"] == [Expression("kubernetes_manifest.external_secret")]

    def test_without_secrets_nothing_is_waited_for(self) -> None:
        assert "depends_on" not in deployment().attributes

    def test_all_properties_reach_the_cluster_under_their_own_names(self) -> None:
        given = {"secrets": {"API_TOKEN": "api_token", "KEY": "signing.key"}, "secret_mode": "extract"}
        spec = file("secrets.tf", **given).labelled("external_secret")["manifest"]["spec"]
        assert spec["dataFrom"] == [{"extract": {"key": "city-guide"}}]
        assert "data" not in spec
        assert environment(container(**given)) == {
            "API_TOKEN": ("city-guide-secrets", "api_token"),
            "KEY": ("city-guide-secrets", "signing.key"),
        }

    @pytest.mark.parametrize("mode", ["select", "extract"])
    def test_a_new_value_restarts_the_pods(self, mode: str) -> None:
        given = {"secrets": {"A": "a"}, "secret_mode": mode}
        assert deployment(**given).one("metadata")["annotations"] == {"reloader.stakater.com/search": "true"}
        spec = file("secrets.tf", **given).labelled("external_secret")["manifest"]["spec"]
        assert spec["target"]["template"] == {"metadata": {"annotations": {"reloader.stakater.com/match": "true"}}}


class TestWidget:
    """Credentials of the dashboard's tile: read when the ingress is planned, and by no pod."""

    @staticmethod
    def given(**more: Any) -> dict[str, Any]:
        return {"homepage": {"widget": {"type": "w", "credentials": {"key": "widget.key"}}}, **more}

    def test_they_are_chosen_with_the_others_and_read_from_the_cluster(self) -> None:
        secrets = file("secrets.tf", **self.given(secrets={"A": "a"}))
        assert secrets.labelled("external_secret")["manifest"]["spec"]["data"] == [
            {"secretKey": "A", "remoteRef": {"key": "city-guide", "property": "a"}},
            {"secretKey": "homepage-key", "remoteRef": {"key": "city-guide", "property": "widget.key"}},
        ]
        data = secrets.labelled("kubernetes_secret", "homepage")
        assert data.one("metadata")["name"] == "city-guide-secrets"
        assert data["depends_on"] == [Expression("kubernetes_manifest.external_secret")]
        assert environment(container(**self.given(secrets={"A": "a"}))) == {"A": ("city-guide-secrets", "A")}

    def test_without_other_secrets_no_pod_waits_for_them(self) -> None:
        assert "depends_on" not in deployment(**self.given()).attributes
        assert "external_secret" in file("secrets.tf", **self.given()).one("resource").labels

    @pytest.mark.parametrize(
        ("more", "key"),
        [({}, "homepage-key"), ({"secrets": {"A": "a"}, "secret_mode": "extract"}, "widget.key")],
    )
    def test_the_tile_shows_what_the_secret_holds(self, more: dict[str, Any], key: str) -> None:
        annotations = file("ingress.tf", **self.given(**more)).labelled("ingress")["extra_annotations"]
        expected = Expression(f'try(data.kubernetes_secret.homepage.data["{key}"], "")')
        assert annotations["gethomepage.dev/widget.key"] == expected

    @pytest.mark.parametrize("more", [{}, {"secrets": {"A": "a"}}, {"database": "postgres"}])
    def test_they_are_read_when_they_are_there(self, more: dict[str, Any]) -> None:
        secrets = file("secrets.tf", **self.given(**more))
        waits = {block.labels[-1]: block.all("wait", "condition") for block in secrets.all("resource")}
        (condition,) = waits.pop("external_secret")
        assert condition.attributes == {"type": "Ready", "status": "True"}
        assert waits == ({"db_external_secret": []} if "database" in more else {})

    def test_what_no_tile_shows_is_not_waited_for(self) -> None:
        given = {"secrets": {"A": "a"}, "database": "postgres"}
        assert [block.all("wait") for block in file("secrets.tf", **given).all("resource")] == [[], []]

    def test_a_new_one_restarts_no_pod(self) -> None:
        target = file("secrets.tf", **self.given()).labelled("external_secret")["manifest"]["spec"]["target"]
        assert target == {"name": "city-guide-secrets"}
        assert "annotations" not in deployment(**self.given()).one("metadata").attributes


class TestDatabase:
    def test_the_address_is_composed_around_the_rotated_password(self) -> None:
        given = {"database": "postgres"}
        spec = file("secrets.tf", **given).labelled("kubernetes_manifest", "db_external_secret")["manifest"]["spec"]
        assert spec["secretStoreRef"]["name"] == "vault-database"
        assert spec["target"]["name"] == "city-guide-db-creds"
        assert spec["target"]["template"]["data"] == {
            "DATABASE_URL": Expression(
                '"postgresql://city_guide:{{ .password }}@${var.postgresql_host}:5432/city_guide"'
            )
        }
        assert spec["data"] == [
            {"secretKey": "password", "remoteRef": {"key": "static-creds/pg-city-guide", "property": "password"}}
        ]
        env = container(**given).one("env")
        assert env.one("value_from", "secret_key_ref").attributes == {
            "name": "city-guide-db-creds",
            "key": "DATABASE_URL",
        }
        assert deployment(**given)["depends_on"] == [Expression("kubernetes_manifest.db_external_secret")]

    def test_a_new_password_restarts_the_pods(self) -> None:
        given = {"database": "postgres"}
        assert deployment(**given).one("metadata")["annotations"] == {"reloader.stakater.com/search": "true"}
        spec = file("secrets.tf", **given).labelled("db_external_secret")["manifest"]["spec"]
        assert spec["target"]["template"]["metadata"] == {"annotations": {"reloader.stakater.com/match": "true"}}
        assert "annotations" not in deployment().one("metadata").attributes

    def test_parts_and_names_as_asked(self) -> None:
        database = {
            "engine": "postgres",
            "name": "guides",
            "role": "guide_reader",
            "dsn_scheme": "postgresql+asyncpg",
            "env": {
                "DSN": "dsn",
                "PGPASSWORD": "password",
                "PGUSER": "user",
                "PGHOST": "host",
                "PGPORT": "port",
                "for": "name",
            },
        }
        spec = file("secrets.tf", database=database).labelled("db_external_secret")["manifest"]["spec"]
        assert spec["target"]["template"]["data"] == {
            "DSN": Expression('"postgresql+asyncpg://guide_reader:{{ .password }}@${var.postgresql_host}:5432/guides"'),
            "PGPASSWORD": "{{ .password }}",
            "PGUSER": "guide_reader",
            "PGHOST": Expression("var.postgresql_host"),
            "PGPORT": "5432",
            "for": "guides",
        }
        assert spec["data"][0]["remoteRef"]["key"] == "static-creds/pg-guide-reader"
        names = [block["name"] for block in container(database=database).all("env")]
        assert names == list(database["env"])

    def test_a_password_alone_needs_no_host(self) -> None:
        database = {"engine": "postgres", "env": {"PGPASSWORD": "password"}}
        assert "postgresql_host" not in stack(database=database)["main.tf"]

    def test_mysql_has_its_own_server_roles_and_scheme(self) -> None:
        database = {"engine": "mysql", "env": {"DB_URL": "dsn", "DB_PORT": "port"}}
        spec = file("secrets.tf", database=database).labelled("db_external_secret")["manifest"]["spec"]
        assert spec["target"]["template"]["data"] == {
            "DB_URL": Expression('"mysql://city_guide:{{ .password }}@${var.mysql_host}:3306/city_guide"'),
            "DB_PORT": "3306",
        }
        assert spec["data"][0]["remoteRef"]["key"] == "static-creds/mysql-city-guide"

    @pytest.mark.parametrize("engine", ["postgres", "mysql"])
    def test_who_makes_it_changes_nothing_here(self, engine: str) -> None:
        """A database is made by a registration; the stack only uses it."""
        assert stack(database={"engine": engine, "provision": "exists"}) == stack(database=engine)

    def test_both_kinds_of_secret_stand_side_by_side(self) -> None:
        given = {"secrets": {"A": "a"}, "database": "postgres"}
        waited_for = ["kubernetes_manifest.external_secret", "kubernetes_manifest.db_external_secret"]
        assert deployment(**given)["depends_on"] == [Expression(address) for address in waited_for]
        assert environment(container(**given)) == {
            "A": ("city-guide-secrets", "A"),
            "DATABASE_URL": ("city-guide-db-creds", "DATABASE_URL"),
        }

    def test_jobs_read_the_password_anew_each_time(self) -> None:
        given = {"kind": "cronjob", "database": "postgres"}
        assert environment(job_pod("run", **given).one("container")) == {
            "DATABASE_URL": ("city-guide-db-creds", "DATABASE_URL")
        }
        assert "reloader.stakater.com/search" not in stack(**given)["cronjobs.tf"]


class TestRedis:
    @pytest.mark.parametrize(("redis", "index"), [(0, 0), (3, 3), (True, PICKED["redis_index"])])
    def test_its_address_names_the_index(self, redis: bool | int, index: int) -> None:
        found = environment(container(redis=redis))
        assert found == {"REDIS_URL": Expression(f'"redis://${{var.redis_host}}:6379/{index}"')}

    def test_none_unless_asked(self) -> None:
        assert environment(container(redis=False)) == {}

    def test_an_address_of_ones_own_comes_first(self) -> None:
        found = environment(container(redis=3, env={"REDIS_URL": "redis://{redis_host}/3?a=b"}))
        assert found == {"REDIS_URL": Expression('"redis://${var.redis_host}/3?a=b"')}


def test_upstream_images_get_secrets_alike() -> None:
    assert environment(container(**UPSTREAM, secrets={"A": "a"})) == {"A": ("city-guide-secrets", "A")}
