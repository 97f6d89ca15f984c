"""Kinds of service, and what runs on a schedule."""

from __future__ import annotations

from typing import Any

import pytest

from .hcl import Expression, parse
from .rendering import UPSTREAM, VOLUME, file, stack
from .workload import IN_THE_JOB, container, cron_job, environment, ignored, job_pod

JOB: dict[str, Any] = {"name": "tidy-up", "schedule": "*/5 * * * *", "command": ["tidy", "${x}"]}
DNS = "spec[0].job_template[0].spec[0].template[0].spec[0].dns_config"


class TestKinds:
    def test_a_worker_has_no_way_in_from_outside(self) -> None:
        files = stack(kind="worker")
        assert {"deployment.tf", "service.tf"} <= set(files)
        assert "ingress.tf" not in files

    def test_without_a_port_there_is_nothing_to_reach(self) -> None:
        files = stack(kind="worker", port=0)
        assert "service.tf" not in files
        found = parse(files["deployment.tf"]).one("resource", "spec", "template", "spec", "container")
        assert not [block for block in found.blocks if block.type == "port" or "probe" in block.type]

    def test_a_cronjob_is_its_jobs_and_nothing_else(self) -> None:
        files = stack(kind="cronjob")
        assert set(files) == {"cronjobs.tf", "extra.tf", "main.tf", "terragrunt.hcl"}
        assert [block.labels[1] for block in parse(files["cronjobs.tf"]).all("resource")] == ["run"]

    def test_a_parked_service_is_all_there(self) -> None:
        assert set(stack(replicas=0)) == set(stack())
        assert file("deployment.tf", replicas=0).one("resource", "spec")["replicas"] == 0

    def test_none_of_them_without_jobs_has_any(self) -> None:
        assert "cronjobs.tf" not in stack()
        assert "cronjobs.tf" not in stack(kind="worker")


class TestJob:
    def test_it_says_when_and_keeps_to_itself(self) -> None:
        job = cron_job("tidy_up", cronjobs=[JOB])
        assert job.one("metadata")["name"] == "city-guide-tidy-up"
        assert job.one("spec").attributes == {
            "schedule": "*/5 * * * *",
            "concurrency_policy": "Forbid",
            "starting_deadline_seconds": 600,
            "successful_jobs_history_limit": 3,
            "failed_jobs_history_limit": 3,
        }
        assert job.one("spec", "job_template", "spec").attributes == {
            "backoff_limit": 3,
            "active_deadline_seconds": 3600,
        }
        assert job.one(*IN_THE_JOB)["restart_policy"] == "OnFailure"
        labels = job.one(*IN_THE_JOB[:-1]).one("metadata")["labels"]
        assert labels == {"job": "city-guide-tidy-up"}, "the Service must not find its pods"

    def test_a_deadline_ends_it_and_a_suspended_one_waits(self) -> None:
        job = cron_job("tidy_up", cronjobs=[{**JOB, "deadline_seconds": 90, "suspend": True}])
        assert job.one("spec")["suspend"] is True
        assert job.one("spec", "job_template", "spec")["active_deadline_seconds"] == 90

    @pytest.mark.parametrize(
        ("given", "seconds"),
        [
            ({"job_deadline": 60}, 60),
            ({"job_deadline": 0}, None),
            ({"profile": {"jobs": {"deadline_seconds": 0}}}, None),
            ({"cronjobs": [{**JOB, "deadline_seconds": 0}]}, None),
        ],
    )
    def test_the_deadline_of_all_is_an_answer(self, given: dict[str, Any], seconds: int | None) -> None:
        spec = cron_job("tidy_up", **{"cronjobs": [JOB], **given}).one("spec", "job_template", "spec")
        assert spec.attributes.get("active_deadline_seconds") == seconds

    def test_it_waits_for_the_databases_that_the_service_waits_for(self) -> None:
        given: dict[str, Any] = {**UPSTREAM, "database": "postgres", "redis": 4, "diun_tags": "^v1"}
        beside = cron_job("tidy_up", cronjobs=[JOB], **given).one(*IN_THE_JOB[:-1], "metadata")
        # Diun watches the image beside it.
        assert beside["annotations"] == {
            "dependency.kyverno.io/wait-for": "postgresql.dbaas:5432,redis-master.redis:6379"
        }
        alone = cron_job("tidy_up", cronjobs=[JOB], kind="cronjob", **given).one(*IN_THE_JOB[:-1], "metadata")
        assert set(alone["annotations"]) == {"dependency.kyverno.io/wait-for", "diun.enable", "diun.include_tags"}
        plain = cron_job("tidy_up", cronjobs=[JOB]).one(*IN_THE_JOB[:-1], "metadata")
        assert "annotations" not in plain.attributes

    def test_it_runs_the_services_image_with_a_command_of_its_own(self) -> None:
        found = job_pod("tidy_up", cronjobs=[JOB], command=["serve"], args=["--fast"])
        assert found.one("container").attributes == {
            "name": "tidy-up",
            "image": Expression("local.image"),
            "image_pull_policy": "Always",
            "command": ["tidy", "${x}"],
        }
        assert found.one("image_pull_secrets")["name"] == "ghcr-credentials"

    def test_an_upstream_tag_is_pulled_once(self) -> None:
        found = job_pod("tidy_up", cronjobs=[JOB], **UPSTREAM)
        assert "image_pull_policy" not in found.one("container").attributes
        assert not found.all("image_pull_secrets")

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({}, {"command": ["serve"], "args": ["--all"]}),
            ({"args": ["--one"]}, {"command": ["serve"], "args": ["--one"]}),
            ({"command": ["other"]}, {"command": ["other"], "args": ["--all"]}),
        ],
    )
    def test_the_job_of_a_cronjob_service_falls_back_on_the_services_words(
        self, given: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        job = {"name": "run", "schedule": "@daily", **given}
        found = job_pod("run", kind="cronjob", cronjobs=[job], command=["serve"], args=["--all"]).one("container")
        assert {key: found[key] for key in ("command", "args")} == expected

    def test_it_lives_in_the_services_surroundings(self) -> None:
        given: dict[str, Any] = {
            "env": {"LOG": "info", "URL": "https://{host}"},
            "secrets": {"A": "a"},
            "database": "postgres",
            "redis": 4,
            "run_as": {"uid": 5},
            "tier": "gpu",
            "gpu": True,
            "gpu_memory": 1500,
        }
        found = job_pod("tidy_up", cronjobs=[JOB], **given)
        assert environment(found.one("container")) == environment(container(**given))
        assert found.one("security_context")["run_as_user"] == 5
        assert found["node_selector"] == {"nvidia.com/gpu.present": "true"}
        assert cron_job("tidy_up", cronjobs=[JOB], **given)["depends_on"] == [
            Expression("kubernetes_manifest.external_secret"),
            Expression("kubernetes_manifest.db_external_secret"),
        ]

    @pytest.mark.parametrize(
        ("given", "requests", "limit"),
        [
            ({}, {"cpu": "10m", "memory": "512Mi"}, "1024Mi"),
            ({"cpu": "1", "memory": "1Gi"}, {"cpu": "1", "memory": "1Gi"}, "2Gi"),
            ({"memory_limit": "3Gi"}, {"cpu": "10m", "memory": "512Mi"}, "3Gi"),
        ],
    )
    def test_what_it_may_take(self, given: dict[str, Any], requests: dict[str, str], limit: str) -> None:
        found = job_pod("tidy_up", cronjobs=[{**JOB, **given}], memory="512Mi", cpu="1").one("container", "resources")
        assert found["requests"] == requests
        assert found["limits"] == {"memory": limit}

    def test_it_may_bring_the_database_up_to_date_first(self) -> None:
        given = {"migrate_command": ["alembic", "upgrade"], "database": "postgres"}
        found = job_pod("tidy_up", cronjobs=[{**JOB, "migrate": True}], **given)
        first = found.one("init_container")
        assert first["command"] == ["alembic", "upgrade"]
        assert environment(first) == environment(found.one("container"))
        assert not job_pod("tidy_up", cronjobs=[JOB], **given).all("init_container")

    def test_drift_is_ignored_where_it_happens_and_keel_leaves_jobs_alone(self) -> None:
        jobs = [JOB, {**JOB, "name": "report"}]
        assert ignored(stack(cronjobs=jobs)["cronjobs.tf"]) == [(DNS, "# KYVERNO_LIFECYCLE_V1")] * 2

    def test_diun_watches_the_jobs_where_nothing_else_runs(self) -> None:
        given = {**UPSTREAM, "diun_tags": "^1", "cronjobs": [JOB]}
        metadata = cron_job("tidy_up", kind="cronjob", **given).one(*IN_THE_JOB[:-1]).one("metadata")
        assert metadata["annotations"] == {"diun.enable": "true", "diun.include_tags": "^1"}
        beside = cron_job("tidy_up", **given).one(*IN_THE_JOB[:-1]).one("metadata")
        assert "annotations" not in beside.attributes

    def test_the_longest_names_still_fit(self) -> None:
        job = {**JOB, "name": "b" * 11}
        found = parse(stack(name="a" * 40, cronjobs=[job], volumes=[VOLUME])["cronjobs.tf"])
        assert len(found.one("resource", "metadata")["name"]) == 52
