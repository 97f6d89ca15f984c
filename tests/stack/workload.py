"""The workloads of a rendered stack."""

from __future__ import annotations

import re
from typing import Any

from .hcl import Block
from .rendering import file

IN_THE_JOB = ("spec", "job_template", "spec", "template", "spec")
"""From a CronJob to its pod."""


def deployment(**given: Any) -> Block:
    """The Deployment for a few answers."""
    return file("deployment.tf", **given).one("resource")


def pod(**given: Any) -> Block:
    """Its pod."""
    return deployment(**given).one("spec", "template", "spec")


def container(**given: Any) -> Block:
    """The pod's container."""
    return pod(**given).one("container")


def cron_job(label: str, **given: Any) -> Block:
    """A CronJob by its address in Terraform."""
    return file("cronjobs.tf", **given).labelled("kubernetes_cron_job_v1", label)


def job_pod(label: str, **given: Any) -> Block:
    """The pod of a CronJob."""
    return cron_job(label, **given).one(*IN_THE_JOB)


def environment(container: Block) -> dict[str, Any]:
    """The container's variables: a value, or the name and key of a secret."""
    found: dict[str, Any] = {}
    for env in container.all("env"):
        assert env["name"] not in found, f"{env['name']} is set twice"
        secrets = [reference.attributes for reference in env.all("value_from", "secret_key_ref")]
        found[env["name"]] = (secrets[0]["name"], secrets[0]["key"]) if secrets else env["value"]
    return found


def ignored(text: str) -> list[tuple[str, str]]:
    """The paths of a text's ``ignore_changes``, each with the marker behind it."""
    several = re.findall(r"ignore_changes = \[\n(.*?)\n *\]\n", text, re.DOTALL)
    lines = [line.partition(", ") for found in several for line in found.splitlines()]
    single = re.findall(r"ignore_changes = \[(.*)\](?: (# \S+))?\n", text)
    return [(path.strip(), marker.strip()) for path, _, marker in lines] + single
