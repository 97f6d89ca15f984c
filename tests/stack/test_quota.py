"""What a namespace may take together: the sum at its boundary, what is refused, and how a new version is rolled out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from generator.base.errors import AnswersError
from generator.sandbox.infra_repository import FILES as SANDBOX
from generator.template.answers import Answers

from .rendering import UPSTREAM, VOLUME, answers, stack, template
from .validate import Validator
from .workload import deployment

AUX = {"memory": "3Gi", "memory_limits": "16Gi", "cpu": "2", "pods": 20}
JOB: dict[str, Any] = {"name": "tidy", "schedule": "@daily", "command": ["tidy"]}
BOT_WALL: dict[str, Any] = {"auth": "none", "auth_reason": "published on purpose", "anubis": True}


def pod(memory: str = "1Mi", limit: str = "1Mi", cpu: str = "1m") -> dict[str, str]:
    return {"cpu": cpu, "memory": memory, "memory_limit": limit}


# --- the sum -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pods", "quota", "expected"),
    [
        ([], AUX, None),
        ([(1, pod("3Gi"))], AUX, None),
        ([(1, pod("3073Mi"))], AUX, ("3073Mi of memory", "3Gi")),
        ([(1, pod("3145729Ki"))], AUX, ("3073Mi of memory", "3Gi")),  # never rounded to the bound
        ([(1, pod("3145728Ki"))], AUX, None),
        ([(2, pod("1536Mi"))], AUX, None),
        ([(2, pod("1537Mi"))], AUX, ("3074Mi of memory", "3Gi")),
        ([(1, pod("2Gi")), (1, pod("1Gi"))], AUX, None),
        ([(1, pod("2Gi")), (1, pod("1025Mi"))], AUX, ("3073Mi of memory", "3Gi")),
        ([(4, pod(limit="4Gi"))], AUX, None),
        ([(5, pod(limit="4Gi"))], AUX, ("20Gi of memory limits", "16Gi")),
        ([(1, pod(cpu="2"))], AUX, None),
        ([(1, pod(cpu="2")), (1, pod(cpu="1m"))], AUX, ("2001m CPU", "2")),
        ([(3, pod(cpu="1"))], AUX, ("3 CPU", "2")),
        ([(20, pod())], AUX, None),
        ([(21, pod())], AUX, ("21 pods", "20")),
        ([(0, pod("9Gi"))], AUX, None),
        ([(9, pod("9Gi", "9Gi", "9"))], {}, None),
        ([(9, pod("9Gi", "9Gi", "9"))], {"pods": 9}, None),
        ([(1, pod("1Ti"))], {"memory": "1Ti"}, None),
    ],
)
def test_what_runs_at_one_time_is_added_up_in_one_place(
    pods: list[Any], quota: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    source = "[% from 'templates/macros/memory.jinja' import over_quota %][[ over_quota(pods, quota) ]]"
    found = json.loads(template().render(source, {"pods": pods, "quota": quota}))
    assert found == (expected and {"sum": expected[0], "bound": expected[1]})


@pytest.mark.parametrize("order", [0, 1])
def test_a_pod_counts_as_the_larger_of_its_containers(order: int) -> None:
    both = [pod("1Gi", "1Gi", "10m"), pod("512Mi", "2Gi", "1")]
    source = "[% from 'templates/macros/memory.jinja' import larger %][[ larger(one, other) ]]"
    found = json.loads(template().render(source, {"one": both[order], "other": both[1 - order]}))
    assert found == pod("1Gi", "2Gi", "1")


# --- what is refused ---------------------------------------------------------------------------------------


def refused(**given: Any) -> dict[str, str]:
    """The questions to correct, and why."""
    try:
        answers(**given)
    except AnswersError as error:
        return {problem.question: problem.message for problem in error.problems}
    return {}


@pytest.mark.parametrize(
    ("fits", "over", "question"),
    [
        ({"memory": "3Gi"}, {"memory": "3500Mi"}, "memory"),
        ({"memory": "4Gi", "tier": "cluster"}, {"memory": "4097Mi", "tier": "cluster"}, "memory"),
        ({"memory": "12Gi", "tier": "gpu"}, {"memory": "13Gi", "tier": "gpu"}, "memory"),
        ({"cpu": "2"}, {"cpu": "2001m"}, "cpu"),
        ({"memory": "1Gi", "replicas": 3}, {"memory": "1Gi", "replicas": 4}, "replicas"),
        (
            {"memory": "64Mi", "memory_limit": "1638Mi", "replicas": 10},
            {"memory": "64Mi", "memory_limit": "1639Mi", "replicas": 10},
            "replicas",
        ),
        (
            {"memory": "1Gi", "cronjobs": [{**JOB, "memory": "2Gi"}]},
            {"memory": "1Gi", "cronjobs": [{**JOB, "memory": "2049Mi"}]},
            "cronjobs",
        ),
        (
            {"memory": "3Gi", "kind": "cronjob", "cronjobs": [JOB]},
            {"memory": "1Gi", "kind": "cronjob", "cronjobs": [{**JOB, "memory": "3073Mi"}]},
            "cronjobs",
        ),
        ({"memory": "3008Mi", "volumes": [VOLUME]}, {"memory": "3009Mi", "volumes": [VOLUME]}, "backup"),
        ({"memory": "2688Mi", **BOT_WALL}, {"memory": "2689Mi", **BOT_WALL}, "anubis"),
        (
            {"memory": "1344Mi", **BOT_WALL, "cronjobs": [JOB]},
            {"memory": "1345Mi", **BOT_WALL, "cronjobs": [JOB]},
            "anubis",
        ),
    ],
)
def test_what_can_never_run_is_refused(fits: dict[str, Any], over: dict[str, Any], question: str) -> None:
    assert refused(**fits) == {}
    found = refused(**over)
    assert list(found) == [question]
    assert "and a namespace of tier" in found[question]
    assert "; ask for less" in found[question]


def test_a_job_counts_with_its_migration() -> None:
    given = {"memory": "2Gi", "migrate_command": ["migrate"]}
    assert refused(**given, cronjobs=[{**JOB, "memory": "64Mi"}]) == {}
    assert list(refused(**given, cronjobs=[{**JOB, "memory": "64Mi", "migrate": True}])) == ["cronjobs"]


def test_the_message_has_figures_and_ways_out() -> None:
    message = refused(memory="3500Mi")["memory"]
    assert "a pod takes 3500Mi of memory and a namespace of tier aux has 3Gi" in message
    assert "choose the tier core or cluster or gpu or edge" in message
    assert "answer quota with own" in message
    assert "choose the tier core or gpu," in refused(memory="4097Mi", tier="cluster")["memory"]


def test_what_is_over_the_cap_is_reported_once() -> None:
    message = refused(memory="5Gi")["memory"]
    assert "more than a container" in message
    assert "namespace" not in message


def test_a_suspended_job_and_a_parked_service_take_nothing() -> None:
    assert refused(memory="1Gi", cronjobs=[{**JOB, "memory": "3Gi", "suspend": True}]) == {}
    assert refused(memory="1Gi", replicas=0, cronjobs=[{**JOB, "memory": "3Gi"}]) == {}


def test_a_quota_of_its_own_is_a_label_and_a_reminder() -> None:
    own = answers(memory="3500Mi", quota="own")
    assert [note for note in own.notes if note.startswith("quota is own")]
    labels = re.findall(r'"resource-governance/custom-quota" += "true"', stack(memory="3500Mi", quota="own")["main.tf"])
    assert len(labels) == 1
    assert "custom-quota" not in stack()["main.tf"]


@pytest.mark.parametrize(
    "profile",
    [
        {"tiers": {"aux": {"memory_cap": "4Gi"}}},
        {"tiers": {"aux": {"memory_cap": "4Gi", "quota": None}}},
        {"tiers": {"aux": {"memory_cap": "4Gi", "quota": {"pods": 20}}}},
        {"tiers": {"aux": {"memory_cap": "4Gi", "quota": {"memory": "4Gi"}}}},
    ],
)
def test_a_platform_without_quotas_refuses_nothing(profile: dict[str, Any]) -> None:
    found = answers(memory="4Gi", profile={**profile, "gpu": {"tier": "aux", "memory": None}})
    assert found.context["memory"] == "4Gi"


def test_a_platform_where_none_can_have_its_own_offers_none() -> None:
    with pytest.raises(AnswersError) as caught:
        answers(memory="3500Mi", profile={"quota_label": None})
    (problem,) = caught.value.problems
    assert "quota" not in problem.message
    assert "quota" not in answers(profile={"quota_label": None}).values


# --- how a new version comes -------------------------------------------------------------------------------

RECREATE = {"type": "Recreate"}
IN_PLACE = {"type": "RollingUpdate"}


def strategy(**given: Any) -> dict[str, Any] | None:
    """The Deployment's strategy; none where Kubernetes starts new pods beside the old ones."""
    found = deployment(**given).one("spec").all("strategy")
    return found[0].attributes if found else None


def said(found: Answers) -> list[str]:
    return [note for note in found.notes if "each rollout has a gap" in note or "has one less meanwhile" in note]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"memory": "1536Mi"}, None),
        ({"memory": "1537Mi"}, RECREATE),
        ({"memory": "2Gi"}, RECREATE),
        ({"memory": "2Gi", "quota": "own"}, None),
        ({"memory": "2Gi", "tier": "edge"}, None),
        ({"memory": "2049Mi", "tier": "edge"}, RECREATE),
        ({"cpu": "1001m"}, RECREATE),
        ({"memory": "8Gi", "memory_limit": "16Gi", "tier": "gpu"}, RECREATE),
        ({"memory": "6Gi", "memory_limit": "16Gi", "tier": "gpu"}, None),
        ({"memory": "768Mi", "replicas": 3}, None),
        ({"memory": "769Mi", "replicas": 3}, IN_PLACE),
        ({"memory": "512Mi", "replicas": 5}, IN_PLACE),  # a quarter, rounded up: two more
        ({"memory": "438Mi", "replicas": 5}, None),
        ({"memory": "2Gi", "replicas": 0}, RECREATE),  # as it will be when it wakes
        ({"memory": "1Gi", "cronjobs": [{**JOB, "memory": "1Gi"}]}, None),
        ({"memory": "1Gi", "cronjobs": [{**JOB, "memory": "1025Mi"}]}, RECREATE),
        ({"memory": "1Gi", "cronjobs": [{**JOB, "memory": "2Gi", "suspend": True}]}, None),
        ({"memory": "1344Mi", **BOT_WALL}, None),
        ({"memory": "1345Mi", **BOT_WALL}, RECREATE),
    ],
)
def test_pods_are_replaced_where_new_ones_have_no_room(given: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert strategy(**given) == expected
    text, found = stack(**given)["deployment.tf"], answers(**given)
    reasons = re.findall(r"\n    # (?:Recreate|One pod after the other): .* has .*\.\n    strategy \{", text)
    assert len(reasons) == (1 if expected else 0)
    assert len(said(found)) == (0 if given.get("replicas") == 0 else len(reasons))  # parked: it has no pods


def test_replaced_in_place_no_pod_is_added() -> None:
    (found,) = deployment(memory="1Gi", replicas=3).one("spec").all("strategy")
    assert found.one("rolling_update").attributes == {"max_surge": 0, "max_unavailable": 1}


def test_storage_for_one_pod_needs_no_other_reason() -> None:
    given: dict[str, Any] = {"memory": "2Gi", "volumes": [VOLUME]}
    assert strategy(**given) == RECREATE
    assert "# Recreate" not in stack(**given)["deployment.tf"]
    assert said(answers(**given)) == []


def test_jobs_that_wait_for_each_other_are_noted() -> None:
    jobs = [{**JOB, "name": name, "memory": "1Gi"} for name in ("one", "two", "three")]
    noted = "cronjobs: all that may run at one time takes 3328Mi of memory and a namespace of tier aux has 3Gi"
    assert [note for note in answers(cronjobs=jobs).notes if note.startswith(noted)]
    assert not [note for note in answers(cronjobs=jobs[:2]).notes if "at one time" in note]
    assert [
        note for note in answers(kind="cronjob", cronjobs=[*jobs, {**JOB, "memory": "1Mi"}]).notes if "3073Mi" in note
    ]


def test_terraform_takes_each_strategy(tmp_path: Path) -> None:
    cases: dict[str, dict[str, Any]] = {
        "recreate": {"memory": "2Gi"},
        "in-place": {"memory": "1Gi", "replicas": 3},
        "own": {"memory": "3500Mi", "quota": "own"},
        "gpu": {**UPSTREAM, "tier": "gpu", "gpu": True, "gpu_memory": 1500},
        "parked": {"replicas": 0, "lan_host": {"host": "guide"}},
        "asleep": {"scale_to_zero": "dynamic"},
    }
    found = Validator(SANDBOX, tmp_path).errors({name: stack(name=name, **given) for name, given in cases.items()})
    assert not {name: list(map(str, errors)) for name, errors in found.items()}
