"""Each answer, and what it becomes on the platform."""

from __future__ import annotations

from typing import Any

import pytest

from .hcl import Block, Expression
from .rendering import UPSTREAM, VOLUME, file, stack


def deployment(**given: Any) -> Block:
    return file("deployment.tf", **given).labelled("kubernetes_deployment", "city_guide")


def pod(**given: Any) -> Block:
    return deployment(**given).one("spec", "template", "spec")


def container(**given: Any) -> Block:
    return pod(**given).one("container")


class TestTerragrunt:
    def test_every_stack_waits_for_the_platform(self) -> None:
        root = file("terragrunt.hcl")
        assert root.one("include").labels == ("root",)
        assert [block.labels[0] for block in root.all("dependency")] == ["platform"]

    @pytest.mark.parametrize("given", [{"secrets": {"A": "a"}}, {"database": "postgres"}])
    def test_secrets_need_vault_and_its_operator(self, given: dict[str, Any]) -> None:
        dependencies = file("terragrunt.hcl", **given).all("dependency")
        assert [block.labels[0] for block in dependencies] == ["platform", "vault", "external-secrets"]
        assert [block["config_path"] for block in dependencies] == ["../platform", "../vault", "../external-secrets"]
        assert all(block["skip_outputs"] for block in dependencies)


class TestNamespace:
    def test_labels_and_the_label_that_others_set(self) -> None:
        resource = file("main.tf", tier="edge").labelled("kubernetes_namespace", "city_guide")
        assert resource.one("metadata")["labels"] == {
            "tier": Expression("local.tiers.edge"),
            "istio-injection": "disabled",
            "keel.sh/enrolled": "true",
        }
        assert resource.one("lifecycle")["ignore_changes"] == [
            Expression('metadata[0].labels["goldilocks.fairwinds.com/vpa-update-mode"]')
        ]

    def test_its_name_is_the_answer_and_the_labels_are_the_services(self) -> None:
        values = file("main.tf", namespace="travel").one("locals")
        assert values["namespace"] == "travel"
        assert values["labels"] == {"app": "city-guide"}


class TestRuntime:
    def test_command_and_arguments_take_the_images_place(self) -> None:
        words = ["/bin/sh", "-c", 'echo "${HOME}" %{if} | cat']
        found = container(command=words, args=["--flag", ""])
        assert found["command"] == words
        assert found["args"] == ["--flag", ""]
        assert "command" not in container().attributes
        assert "args" not in container().attributes

    def test_who_the_processes_are(self) -> None:
        identity = pod(run_as={"uid": 1000, "gid": 0, "fs_group": 2000}).one("security_context")
        assert identity.attributes == {"run_as_user": 1000, "run_as_group": 0, "fs_group": 2000}
        assert pod(run_as={"uid": 7}, volumes=[VOLUME]).one("security_context")["fs_group"] == 1000
        assert pod().all("security_context") == []

    def test_what_is_kept_free_and_what_is_never_exceeded(self) -> None:
        resources = container(cpu="2", memory="512Mi", memory_limit="1Gi").one("resources")
        assert resources["requests"] == {"cpu": "2", "memory": "512Mi"}
        assert resources["limits"] == {"memory": "1Gi"}
        assert container(memory="512Mi").one("resources")["limits"] == {"memory": "512Mi"}

    @pytest.mark.parametrize("replicas", [0, 1, 3])
    def test_the_number_of_pods(self, replicas: int) -> None:
        assert deployment(replicas=replicas).one("spec")["replicas"] == replicas

    def test_the_service_and_every_ingress_use_the_same_port(self) -> None:
        given = {"service_port": 8000, "carveouts": [{"name": "x", "paths": ["/x"], "reason": "y"}]}
        service = file("service.tf", **given).labelled("kubernetes_service", "city_guide")
        assert service.one("spec", "port")["port"] == 8000
        assert service.one("spec", "port")["target_port"] == 8080
        assert [module["port"] for module in file("ingress.tf", **given).all("module")] == [8000, 8000]


class TestImage:
    def test_owned_follows_the_tag(self) -> None:
        main = file("main.tf")
        assert main.one("locals")["image"] == Expression('"ghcr.io/viktorbarzin/city-guide:${var.image_tag}"')
        assert main.labelled("image_tag")["default"] == "latest"

    def test_upstream_is_pinned_and_names_its_registry(self) -> None:
        main = file("main.tf", **UPSTREAM)
        assert main.one("locals")["image"] == "docker.io/mendhak/http-https-echo:37"
        assert [variable.labels[0] for variable in main.all("variable")] == ["tls_secret_name"]

    def test_only_private_images_need_the_pull_secret(self) -> None:
        assert pod(image_visibility="private").one("image_pull_secrets")["name"] == "ghcr-credentials"
        assert not pod(image_visibility="public").all("image_pull_secrets")
        assert not pod(**UPSTREAM).all("image_pull_secrets")


class TestDeployment:
    def test_drift_that_others_cause_is_ignored_line_by_line(self) -> None:
        text = stack()["deployment.tf"]
        lines = text.partition("ignore_changes = [\n")[2].partition("    ]\n")[0].splitlines()
        assert [tuple(part.strip() for part in line.split(", ")) for line in lines] == [
            ("spec[0].template[0].spec[0].dns_config", "# KYVERNO_LIFECYCLE_V1"),
            ('metadata[0].annotations["keel.sh/policy"]', "# KYVERNO_LIFECYCLE_V2"),
            ('metadata[0].annotations["keel.sh/trigger"]', "# KYVERNO_LIFECYCLE_V2"),
            ('metadata[0].annotations["keel.sh/pollSchedule"]', "# KYVERNO_LIFECYCLE_V2"),
            ('metadata[0].annotations["keel.sh/match-tag"]', "# KEEL_LIFECYCLE_V1"),
            ("spec[0].template[0].spec[0].container[0].image", "# KEEL_IGNORE_IMAGE"),
            ('metadata[0].annotations["kubernetes.io/change-cause"]', "# KEEL_LIFECYCLE_V1"),
            ('metadata[0].annotations["deployment.kubernetes.io/revision"]', "# KEEL_LIFECYCLE_V1"),
            ('spec[0].template[0].metadata[0].annotations["keel.sh/update-time"]', "# KEEL_LIFECYCLE_V1"),
        ]

    def test_memory_is_bounded_and_cpu_is_not(self) -> None:
        resources = container(memory="512Mi").one("resources")
        assert resources.attributes == {
            "requests": {"cpu": "10m", "memory": "512Mi"},
            "limits": {"memory": "512Mi"},
        }

    def test_the_pods_are_found_by_the_label_that_they_carry(self) -> None:
        spec = deployment(tier="gpu").one("spec")
        assert spec["replicas"] == 1
        assert spec.one("selector")["match_labels"] == Expression("local.labels")
        assert spec.one("template", "metadata")["labels"] == Expression("local.labels")
        assert deployment(tier="gpu").one("metadata")["labels"] == Expression(
            "merge(local.labels, { tier = local.tiers.gpu })"
        )

    def test_a_volume_that_one_node_holds_is_let_go_before_it_is_taken(self) -> None:
        assert not deployment().one("spec").all("strategy")
        assert deployment(volumes=[VOLUME]).one("spec", "strategy")["type"] == "Recreate"

    def test_our_images_run_without_root_and_may_write_to_their_volumes(self) -> None:
        assert pod(volumes=[VOLUME]).one("security_context")["fs_group"] == 1000
        assert not pod().all("security_context")
        assert not pod(volumes=[VOLUME], **UPSTREAM).all("security_context")


class TestProbes:
    def test_http_is_the_default(self) -> None:
        found = container(port=3000)
        assert found.one("port")["container_port"] == 3000
        for kind in ("readiness_probe", "liveness_probe"):
            assert found.one(kind, "http_get").attributes == {"path": "/healthz", "port": 3000}
        assert not found.all("startup_probe")

    def test_none_means_none(self) -> None:
        assert not [block for block in container(probe="none").blocks if "probe" in block.type]

    def test_tcp_only_connects(self) -> None:
        found = container(probe={"kind": "tcp", "which": ["readiness"]})
        assert found.one("readiness_probe", "tcp_socket")["port"] == 8080
        assert not found.all("liveness_probe")

    @pytest.mark.parametrize("seconds", [1, 5, 61, 3600])
    def test_a_slow_start_is_waited_for(self, seconds: int) -> None:
        found = container(probe={"kind": "http", "path": "/up?x=$1", "startup_seconds": seconds})
        startup = found.one("startup_probe")
        assert startup.one("http_get")["path"] == "/up?x=$1"
        waited = startup["period_seconds"] * startup["failure_threshold"]
        assert seconds <= waited < seconds + startup["period_seconds"]
        assert "initial_delay_seconds" not in found.one("liveness_probe").attributes


class TestEnvironment:
    def test_tokens_become_variables_that_are_declared(self) -> None:
        env = {"PG": "{pg_host}", "MYSQL": "{mysql_host}", "URL": "redis://{redis_host}:6379", "ME": "https://{host}"}
        found = {block["name"]: block["value"] for block in container(env=env).all("env")}
        assert found == {
            "PG": Expression("var.postgresql_host"),
            "MYSQL": Expression("var.mysql_host"),
            "URL": Expression('"redis://${var.redis_host}:6379"'),
            "ME": "https://city-guide.viktorbarzin.me",
        }
        declared = {block.labels[0] for block in file("main.tf", env=env).all("variable")}
        assert declared == {"image_tag", "tls_secret_name", "postgresql_host", "mysql_host", "redis_host"}

    def test_tokens_are_nothing_special_elsewhere(self) -> None:
        given = {"title": "{pg_host}", "description": "{host}"}
        annotations = file("ingress.tf", **given).labelled("ingress")["extra_annotations"]
        assert annotations["gethomepage.dev/name"] == "{pg_host}"
        assert annotations["gethomepage.dev/description"] == "{host}"
        assert "postgresql_host" not in stack(**given)["main.tf"]


class TestSecrets:
    def test_chosen_properties_reach_the_container_under_their_variables(self) -> None:
        given = {"secrets": {"API_TOKEN": "api_token"}}
        secret = file("secrets.tf", **given).labelled("kubernetes_manifest", "external_secret")
        manifest = secret["manifest"]
        assert manifest["apiVersion"] == "external-secrets.io/v1beta1"
        assert manifest["kind"] == "ExternalSecret"
        assert manifest["metadata"] == {"name": "city-guide-secrets", "namespace": Expression("local.namespace")}
        assert manifest["spec"] == {
            "refreshInterval": "15m",
            "secretStoreRef": {"name": "vault-kv", "kind": "ClusterSecretStore"},
            "target": {"name": "city-guide-secrets"},
            "data": [{"secretKey": "API_TOKEN", "remoteRef": {"key": "city-guide", "property": "api_token"}}],
        }
        assert secret["depends_on"] == [Expression("kubernetes_namespace.city_guide")]
        env = container(**given).one("env")
        assert env["name"] == "API_TOKEN"
        assert env.one("value_from", "secret_key_ref").attributes == {"name": "city-guide-secrets", "key": "API_TOKEN"}
        assert deployment(**given)["depends_on"] == [Expression("kubernetes_manifest.external_secret")]

    def test_without_secrets_nothing_is_waited_for(self) -> None:
        assert "depends_on" not in deployment().attributes


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
