"""Each answer, and what it becomes on the platform."""

from __future__ import annotations

from typing import Any

import pytest

from .hcl import Expression
from .rendering import UPSTREAM, VOLUME, file, stack
from .workload import container, deployment, ignored, pod


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

    def test_a_tile_with_credentials_reads_a_secret_too(self) -> None:
        widget = {"homepage": {"widget": {"type": "w", "credentials": {"key": "k"}}}}
        assert len(file("terragrunt.hcl", **widget).all("dependency")) == 3
        assert len(file("terragrunt.hcl", homepage={"widget": {"type": "w"}}).all("dependency")) == 1


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

    def test_a_pinned_service_is_not_enrolled(self) -> None:
        labels = file("main.tf", updates="pinned").one("resource", "metadata")["labels"]
        assert set(labels) == {"tier", "istio-injection"}


class TestVariables:
    """Shared variables are declared where something uses them, and nowhere else."""

    @staticmethod
    def declared(**given: Any) -> set[str]:
        return {block.labels[0] for block in file("main.tf", **given).all("variable")} - {
            "tls_secret_name",
            "image_tag",
        }

    def test_none_by_default(self) -> None:
        assert self.declared() == set()
        assert file("main.tf", **UPSTREAM, kind="worker").all("variable") == []

    @pytest.mark.parametrize(
        ("given", "variable"),
        [
            ({"env": {"A": "{mail_host}"}}, "mail_host"),
            ({"env": {"A": "nfs://{nfs_server}/films"}}, "nfs_server"),
            ({"database": "postgres"}, "postgresql_host"),
            ({"database": {"engine": "mysql", "env": {"H": "host"}}}, "mysql_host"),
            ({"redis": 2}, "redis_host"),
            ({"anubis": True, "auth": "none", "auth_reason": "open"}, "redis_host"),
            ({"volumes": [VOLUME]}, "nfs_server"),
            ({"volumes": [{**VOLUME, "kind": "nfs"}]}, "nfs_server"),
        ],
    )
    def test_those_that_are_used(self, given: dict[str, Any], variable: str) -> None:
        assert self.declared(**given) == {variable}

    @pytest.mark.parametrize(
        "given",
        [
            {"database": {"engine": "postgres", "env": {"PW": "password", "PORT": "port"}}},
            {"redis": 2, "env": {"REDIS_URL": "redis://elsewhere"}},
            {"volumes": [VOLUME], "backup": "none"},
            {"volumes": [{**VOLUME, "kind": "emptydir"}, {"name": "c", "mount": "/c", "kind": "config"}]},
            {"title": "{pg_host}", "command": ["{redis_host}"]},
        ],
    )
    def test_not_those_that_are_not(self, given: dict[str, Any]) -> None:
        assert self.declared(**given) == set()

    def test_the_certificate_belongs_to_the_web(self) -> None:
        assert "tls_secret_name" in stack()["main.tf"]
        assert "tls_secret_name" not in stack(kind="worker")["main.tf"]


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

    @pytest.mark.parametrize(
        ("given", "limit"),
        [
            ({"tier": "aux"}, "1024Mi"),
            ({"tier": "edge"}, "1024Mi"),
            ({"tier": "cluster"}, "512Mi"),
            ({"tier": "aux", "memory": "3Gi"}, "4Gi"),  # never above the tier's cap
            ({"tier": "edge", "memory": "4Gi"}, "8Gi"),
            ({"tier": "aux", "memory": "4Gi", "quota": "own"}, "4Gi"),
            ({"tier": "aux", "memory_limit": "512Mi"}, "512Mi"),
        ],
    )
    def test_some_tiers_may_use_more_than_is_kept_free(self, given: dict[str, Any], limit: str) -> None:
        resources = container(**{"memory": "512Mi", **given}).one("resources")
        assert resources["limits"] == {"memory": limit}
        assert resources["requests"]["memory"] == given.get("memory", "512Mi")

    @pytest.mark.parametrize("replicas", [0, 1, 3])
    def test_the_number_of_pods(self, replicas: int) -> None:
        assert deployment(replicas=replicas).one("spec")["replicas"] == replicas

    def test_a_gpu_is_kept_for_it_on_a_node_that_has_one(self) -> None:
        found = pod(tier="gpu", gpu=True, gpu_memory=0)
        assert found["node_selector"] == {"nvidia.com/gpu.present": "true"}
        assert found.one("toleration").attributes == {
            "key": "nvidia.com/gpu",
            "operator": "Equal",
            "value": "true",
            "effect": "NoSchedule",
        }
        assert found.one("container", "resources")["limits"] == {"memory": "256Mi", "nvidia.com/gpu": "1"}
        without = pod(tier="gpu")
        assert "node_selector" not in without.attributes
        assert not without.all("toleration")
        assert without.one("container", "resources")["limits"] == {"memory": "256Mi"}

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

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({}, "CI moves it from then on"),
            ({"updates": "keel"}, "that runs first"),
            ({"updates": "pinned"}, "that runs."),
            ({"kind": "cronjob"}, "that runs."),
        ],
    )
    def test_the_tag_says_who_moves_it(self, given: dict[str, Any], expected: str) -> None:
        assert expected in file("main.tf", **given).labelled("image_tag")["description"]

    def test_diun_watches_the_tags_that_are_asked_for(self) -> None:
        template = deployment(**UPSTREAM, diun_tags=r"^v\d+$").one("spec", "template", "metadata")
        assert template["annotations"] == {"diun.enable": "true", "diun.include_tags": r"^v\d+$"}
        assert "annotations" not in deployment(**UPSTREAM).one("spec", "template", "metadata").attributes

    @pytest.mark.parametrize(
        ("given", "awaited"),
        [
            ({"database": "postgres"}, "postgresql.dbaas:5432"),
            ({"database": "mysql", "kind": "worker"}, "mysql.dbaas:3306"),
            ({"redis": 0}, "redis-master.redis:6379"),
            ({"database": "postgres", "redis": True}, "postgresql.dbaas:5432,redis-master.redis:6379"),
            ({"redis": 2, "env": {"REDIS_URL": "redis://{redis_host}/2"}}, "redis-master.redis:6379"),
        ],
    )
    def test_a_pod_waits_for_what_it_reads(self, given: dict[str, Any], awaited: str) -> None:
        template = deployment(**given).one("spec", "template", "metadata")
        assert template["annotations"] == {"dependency.kyverno.io/wait-for": awaited}
        assert "annotations" not in deployment().one("spec", "template", "metadata").attributes

    def test_it_waits_and_is_watched(self) -> None:
        template = deployment(**UPSTREAM, diun_tags="^1", database="mysql").one("spec", "template", "metadata")
        assert template["annotations"] == {
            "diun.enable": "true",
            "diun.include_tags": "^1",
            "dependency.kyverno.io/wait-for": "mysql.dbaas:3306",
        }

    def test_only_private_images_need_the_pull_secret(self) -> None:
        assert pod(image_visibility="private").one("image_pull_secrets")["name"] == "ghcr-credentials"
        assert not pod(image_visibility="public").all("image_pull_secrets")
        assert not pod(**UPSTREAM).all("image_pull_secrets")


class TestDeployment:
    def test_drift_that_others_cause_is_ignored_line_by_line(self) -> None:
        assert ignored(stack()["deployment.tf"]) == [
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

    def test_the_image_of_an_init_container_is_ignored_too(self) -> None:
        found = ignored(stack(migrate_command=["migrate"])["deployment.tf"])
        assert ("spec[0].template[0].spec[0].init_container[0].image", "# KEEL_IGNORE_IMAGE") in found
        assert len(found) == 10

    def test_the_reloaders_mark_is_ignored_where_terraform_knows_the_pods_annotations(self) -> None:
        mark = 'spec[0].template[0].metadata[0].annotations["reloader.stakater.com/last-reloaded-from"]'

        def marked(**given: Any) -> bool:
            return (mark, "# RELOADER_LIFECYCLE_V1") in ignored(stack(**given)["deployment.tf"])

        assert marked(database="postgres")
        assert not marked(secrets={"A": "a"}), "there are no annotations to take it away from"
        assert not marked(redis=3), "nothing is reloaded"

    def test_a_pinned_image_is_terraforms_and_keel_is_reported_so(self) -> None:
        metadata = deployment(updates="pinned").one("metadata")
        assert metadata["annotations"] == {"keel.sh/policy": "never"}
        assert "keel" not in metadata["labels"].text
        both = deployment(updates="pinned", secrets={"A": "a"}).one("metadata")["annotations"]
        assert both == {"keel.sh/policy": "never", "reloader.stakater.com/search": "true"}

    def test_nobody_else_changes_a_pinned_deployment(self) -> None:
        files = stack(updates="pinned", migrate_command=["migrate"])
        path = "spec[0].template[0].spec[0].dns_config"
        assert ignored(files["deployment.tf"]) == [(path, "# KYVERNO_LIFECYCLE_V1")]
        completed = "".join(text for name, text in files.items() if name != "README.md").lower()
        assert completed.count("keel") == 1, "the annotation that keeps Keel away"

    def test_the_database_is_brought_up_to_date_first(self) -> None:
        given = {"migrate_command": ["alembic", "upgrade"], "database": "postgres", "volumes": [VOLUME], "cpu": "1"}
        first, second = pod(**given).one("init_container"), pod(**given).one("container")
        assert first["name"] == "migrate"
        assert first["command"] == ["alembic", "upgrade"]
        assert first["image"] == second["image"] == Expression("local.image")
        for kind in ("env", "volume_mount", "resources"):
            assert first.all(kind) == second.all(kind)
        assert not [block for block in first.blocks if block.type == "port" or "probe" in block.type]
        assert not pod().all("init_container")

    def test_memory_is_bounded_and_cpu_is_not(self) -> None:
        resources = container(memory="512Mi").one("resources")
        assert resources.attributes == {
            "requests": {"cpu": "10m", "memory": "512Mi"},
            "limits": {"memory": "1024Mi"},
        }

    def test_the_pods_are_found_by_the_label_that_they_carry(self) -> None:
        spec = deployment(tier="gpu").one("spec")
        assert spec["replicas"] == 1
        assert spec.one("selector")["match_labels"] == Expression("local.labels")
        assert spec.one("template", "metadata")["labels"] == Expression("local.labels")
        assert deployment(tier="gpu").one("metadata")["labels"] == Expression(
            "merge(local.labels, { tier = local.tiers.gpu })"
        )

    def test_what_belongs_together_stands_together(self) -> None:
        assert "    replicas = 1\n\n    selector {\n" in stack()["deployment.tf"]
        assert "    replicas = 1\n\n    strategy {\n" in stack(volumes=[VOLUME])["deployment.tf"]

    def test_a_volume_that_one_node_holds_is_let_go_before_it_is_taken(self) -> None:
        assert not deployment().one("spec").all("strategy")
        assert deployment(volumes=[VOLUME]).one("spec", "strategy")["type"] == "Recreate"

    @pytest.mark.parametrize(
        ("given", "recreated"),
        [
            ({}, True),
            ({"replicas": 0}, True),
            ({"replicas": 2}, False),
            ({"volumes": [{**VOLUME, "kind": "nfs-ssd", "read_only": True}]}, False),
            ({"volumes": [{**VOLUME, "kind": "emptydir"}, {"name": "c", "mount": "/c", "kind": "config"}]}, False),
        ],
    )
    def test_where_one_pod_is_meant_no_two_write_to_shared_files(self, given: dict[str, Any], recreated: bool) -> None:
        found = deployment(**{"volumes": [{**VOLUME, "kind": "nfs"}], **given}).one("spec").all("strategy")
        assert [strategy["type"] for strategy in found] == (["Recreate"] if recreated else [])

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

    @pytest.mark.parametrize("probe", ["tcp", {"kind": "tcp"}])
    def test_tcp_only_connects(self, probe: Any) -> None:
        for kind in ("readiness_probe", "liveness_probe"):
            assert container(probe=probe, port=3000).one(kind, "tcp_socket").attributes == {"port": 3000}

    @pytest.mark.parametrize("which", ["readiness", "liveness"])
    def test_one_of_them_alone(self, which: str) -> None:
        found = container(probe={"kind": "http", "which": [which], "startup_seconds": 10})
        probes = [block.type for block in found.blocks if block.type.endswith("_probe")]
        assert probes == ["startup_probe", f"{which}_probe"]

    @pytest.mark.parametrize("seconds", [1, 5, 61, 3600])
    def test_a_slow_start_is_waited_for(self, seconds: int) -> None:
        found = container(probe={"kind": "http", "path": "/up?x=$1", "startup_seconds": seconds})
        startup = found.one("startup_probe")
        assert startup.one("http_get")["path"] == "/up?x=$1"
        waited = startup["period_seconds"] * startup["failure_threshold"]
        assert seconds <= waited < seconds + startup["period_seconds"]
        assert "initial_delay_seconds" not in found.one("liveness_probe").attributes

    def test_their_timing_unless_asked(self) -> None:
        assert container().one("readiness_probe").attributes == {"period_seconds": 10, "timeout_seconds": 5}
        assert container().one("liveness_probe").attributes == {
            "initial_delay_seconds": 15,
            "period_seconds": 30,
            "timeout_seconds": 5,
        }

    def test_their_timing_as_asked(self) -> None:
        timing = {"initial_seconds": 40, "period_seconds": 20, "timeout_seconds": 15, "failures": 6}
        found = container(probe={"kind": "tcp", **timing})
        for kind in ("readiness_probe", "liveness_probe"):
            assert found.one(kind).attributes == {
                "initial_delay_seconds": 40,
                "period_seconds": 20,
                "timeout_seconds": 15,
                "failure_threshold": 6,
            }

    def test_each_has_a_timing_of_its_own_over_the_common_one(self) -> None:
        own = {"readiness": {"failures": 1, "timeout_seconds": 2}, "liveness": {"initial_seconds": 90}}
        found = container(probe={"kind": "http", "period_seconds": 20, "failures": 6, **own})
        assert found.one("readiness_probe").attributes == {
            "period_seconds": 20,
            "timeout_seconds": 2,
            "failure_threshold": 1,
        }
        assert found.one("liveness_probe").attributes == {
            "initial_delay_seconds": 90,
            "period_seconds": 20,
            "timeout_seconds": 5,
            "failure_threshold": 6,
        }

    def test_the_timing_of_one_leaves_the_other_and_the_start_alone(self) -> None:
        own = {"liveness": {"timeout_seconds": 30, "period_seconds": 60, "failures": 9, "initial_seconds": 1}}
        found = container(probe={"kind": "tcp", "startup_seconds": 10, **own})
        assert found.one("readiness_probe").attributes == {"period_seconds": 10, "timeout_seconds": 5}
        assert found.one("startup_probe")["timeout_seconds"] == 5

    def test_a_slow_answer_is_slow_from_the_start(self) -> None:
        found = container(probe={"kind": "http", "startup_seconds": 60, "timeout_seconds": 20})
        assert found.one("startup_probe").attributes == {
            "period_seconds": 5,
            "timeout_seconds": 20,
            "failure_threshold": 12,
        }
        assert found.one("liveness_probe")["timeout_seconds"] == 20


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
