"""Who watches a service: each kind gets what can watch it, a parked one nothing, and what is missing is said."""

from __future__ import annotations

from typing import Any

import pytest

from generator.template.answers import resolve
from tests.answers import QUESTIONS, SMALLEST, TEMPLATE

from .hcl import parse
from .rendering import UPSTREAM, answers, file, stack
from .workload import deployment, ignored

HOOKS: dict[str, Any] = {"name": "hooks", "paths": ["/hooks"], "reason": "signed", "probe_path": "/hooks/ping"}
DOORS: dict[str, Any] = {"carveouts": [HOOKS], "lan_host": {"host": "guide"}}


def notes(*words: str, **given: Any) -> list[str]:
    """The notes that begin with one of these words."""
    return [note for note in answers(**given).notes if note.startswith(words)]


# --- parked ------------------------------------------------------------------------------------------------


def external(**given: Any) -> dict[str, Any]:
    """What each ingress says of its monitor outside."""
    modules = file("ingress.tf", **{**DOORS, **given}).all("module")
    return {module.labels[0]: module.attributes.get("external_monitor") for module in modules}


def test_nothing_outside_watches_a_parked_service() -> None:
    assert external() == {"ingress": None, "ingress_hooks": None, "ingress_lan": None}
    assert external(replicas=0) == {"ingress": False, "ingress_hooks": False, "ingress_lan": False}
    assert external(replicas=1) == external(), "waking brings them back"


@pytest.mark.parametrize("dns", ["internal", "none"])
def test_a_closed_name_says_so_once(dns: str) -> None:
    text = stack(dns=dns, replicas=0)["ingress.tf"]
    assert text.count("external_monitor") == 1


def test_nothing_inside_watches_a_parked_service() -> None:
    given: dict[str, Any] = {"internal_monitor": {"path": "/healthz"}}
    assert answers(**given).context["monitor"] == {"path": "/healthz"}
    parked = answers(**given, replicas=0)
    assert parked.context["monitor"] is None
    assert parked.values["internal_monitor"] == {"path": "/healthz"}, "the answer stays for the day when it wakes"
    (note,) = [note for note in parked.notes if note.startswith("replicas is 0")]
    assert "pause city-guide there" in note


def test_verify_expects_no_monitor_of_a_parked_service() -> None:
    assert [watcher.name for watcher in answers().watchers] == ["Prometheus", "the external monitor"]
    assert [watcher.name for watcher in answers(replicas=0).watchers] == ["Prometheus"]


def test_prometheus_finds_no_pod_of_it_so_its_line_stays() -> None:
    assert stack(replicas=0)["service.tf"] == stack()["service.tf"]


def test_one_line_says_that_it_is_parked() -> None:
    assert len(notes("replicas is 0", replicas=0)) == 1
    assert notes("internal_monitor", "metrics is none", replicas=0, dns="lan", **UPSTREAM) == []


# --- asleep ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sleeps", ["dynamic", "blocking"])
def test_what_sleeps_is_made_asleep_and_left_to_whoever_wakes_it(sleeps: str) -> None:
    given: dict[str, Any] = {"scale_to_zero": sleeps}
    assert deployment(**given).one("spec")["replicas"] == 0
    assert ("spec[0].replicas", "# SABLIER_MANAGED_REPLICAS") in ignored(stack(**given)["deployment.tf"])
    assert answers(**given).context["parked"] is False
    assert "external_monitor" not in stack(**given)["ingress.tf"]


def test_what_does_not_sleep_has_its_number() -> None:
    assert deployment().one("spec")["replicas"] == 1
    assert deployment(replicas=0).one("spec")["replicas"] == 0


# --- what each kind gets -----------------------------------------------------------------------------------

HEALTH = {"path": "/healthz"}


@pytest.mark.parametrize(
    ("given", "inside"),
    [
        ({}, None),
        ({"dns": "non-proxied"}, None),
        ({"dns": "lan"}, HEALTH),
        ({"dns": "internal"}, HEALTH),
        ({"dns": "none"}, HEALTH),
        ({"dns": "lan", "probe": {"kind": "http", "path": "/ready"}}, {"path": "/ready"}),
        ({"dns": "lan", "probe": "tcp"}, None),
        ({"dns": "lan", "probe": "none"}, None),
        ({"dns": "internal", "scale_to_zero": "dynamic"}, None),
        ({"kind": "worker"}, HEALTH),
        ({"kind": "worker", "port": 0}, None),
        ({"kind": "worker", **UPSTREAM, "port": 9000}, None),  # its probe is tcp
        ({"kind": "worker", **UPSTREAM, "port": 9000, "probe": "http"}, HEALTH),
        ({"kind": "cronjob"}, None),
        ({"dns": "lan", "internal_monitor": "none"}, None),
        ({"dns": "lan", "names": {"deployment": "guide"}}, None),  # made by hand, and watched as someone wanted
        ({"dns": "lan", "profile": {"monitors": {"internal": False, "job_alerts": None}}}, None),
    ],
)
def test_a_new_service_that_no_monitor_outside_reaches_has_one_inside(
    given: dict[str, Any], inside: dict[str, str] | None
) -> None:
    assert answers(**given).context["monitor"] == inside


def test_a_service_that_was_there_before_keeps_what_it_has() -> None:
    recorded = {**SMALLEST, "dns": "lan", "names": {}, "hardening": {}, "internal_monitor": "none"}
    assert resolve(TEMPLATE, QUESTIONS, {}, recorded=recorded).context["monitor"] is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"dns": "lan"}, []),
        ({"kind": "worker"}, []),
        ({"dns": "lan", "internal_monitor": "none"}, ["internal_monitor is none"]),
        ({"dns": "internal", "scale_to_zero": "dynamic"}, ["internal_monitor is none"]),
        ({**UPSTREAM}, ["metrics is none"]),
        ({"kind": "worker", **UPSTREAM}, ["port is 0"]),
        ({"kind": "worker", "port": 0}, ["port is 0"]),
        ({"kind": "worker", **UPSTREAM, "port": 9000}, ["internal_monitor is none", "metrics is none"]),
        ({"kind": "cronjob"}, ["cronjobs: no alert fires when run stops succeeding"]),
        (
            {"kind": "cronjob", "cronjobs": [{"name": name, "schedule": "@daily"} for name in ("one", "two")]},
            ["cronjobs: no alert fires when one or two stops succeeding"],
        ),
        (
            {"cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["x"]}]},
            ["cronjobs: no alert fires when tidy stops succeeding"],
        ),
        ({"cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["x"], "suspend": True}]}, []),
    ],
)
def test_what_does_not_watch_it_is_said(given: dict[str, Any], expected: list[str]) -> None:
    words = ("internal_monitor is none", "metrics is none", "port is 0", "cronjobs: no alert")
    found = notes(*words, **given)
    assert len(found) == len(expected)
    assert all(note.startswith(begin) for note, begin in zip(found, expected, strict=True))


def test_a_platform_without_monitors_is_spared_the_notes() -> None:
    profile = {"monitors": {"internal": False, "job_alerts": None}}
    given: dict[str, Any] = {"dns": "lan", "cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["x"]}]}
    assert [note for note in answers(profile=profile, **given).notes if "monitor" in note or "alert" in note] == []


# --- the GPU -----------------------------------------------------------------------------------------------

ON_GPU: dict[str, Any] = {"tier": "gpu", "gpu": True}


def limits(**given: Any) -> list[dict[str, Any]]:
    """The limits of every container of a stack."""
    return [
        block.one("resources")["limits"]
        for path, text in stack(**ON_GPU, **given).items()
        if path in ("deployment.tf", "cronjobs.tf")
        for resource in parse(text).blocks
        for block in resource.walk()
        if block.type in ("container", "init_container")
    ]


def test_memory_of_the_gpu_is_a_limit_of_every_container_that_uses_it() -> None:
    job = {"name": "tidy", "schedule": "@daily", "command": ["tidy"], "migrate": True}
    found = limits(gpu_memory=1500, migrate_command=["migrate"], cronjobs=[job])
    assert len(found) == 4
    assert all(limit["viktorbarzin.me/gpumem"] == "1500" for limit in found)


def test_without_it_there_is_no_limit_and_a_note() -> None:
    assert limits(gpu_memory=0) == [{"memory": "256Mi", "nvidia.com/gpu": "1"}]
    assert notes("gpu_memory is 0", **ON_GPU, gpu_memory=0)
    assert not notes("gpu_memory is 0", **ON_GPU, gpu_memory=1)
    assert not notes("gpu_memory", tier="gpu")


def test_a_pod_does_not_wait_for_memory_that_its_predecessor_has() -> None:
    assert deployment(**ON_GPU, gpu_memory=1500).one("spec", "strategy")["type"] == "Recreate"
    found = deployment(**ON_GPU, gpu_memory=1500, replicas=2).one("spec", "strategy", "rolling_update")
    assert found.attributes == {"max_surge": 0, "max_unavailable": 1}
    assert not deployment(**ON_GPU, gpu_memory=0).one("spec").all("strategy")
