"""The whole tree of a stack."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.answers import render

from .rendering import PICKED, RICH, UPSTREAM, VOLUME, answers, files, stack, template
from .test_text import HOSTILE

ALWAYS = {"extra.tf", "main.tf", "terragrunt.hcl"}
WEB = {*ALWAYS, "deployment.tf", "ingress.tf", "service.tf"}
SHARED: dict[str, Any] = {"name": "media", "mount": "/media", "kind": "nfs"}
SCRATCH: dict[str, Any] = {"name": "t", "mount": "/t", "kind": "emptydir"}
JOBS = [{"name": "tidy", "schedule": "@daily", "command": ["tidy"]}]


def tree(**given: Any) -> dict[str, str]:
    return {file.path: file.content.decode() for file in render(template(), answers(**given), "stack", PICKED)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (UPSTREAM, WEB),
        ({"secrets": {"TOKEN": "token"}}, {*WEB, "secrets.tf"}),
        ({"database": "postgres"}, {*WEB, "secrets.tf"}),
        ({"homepage": {"widget": {"type": "w", "credentials": {"key": "k"}}}}, {*WEB, "secrets.tf"}),
        ({"volumes": [VOLUME]}, {*WEB, "storage.tf", "backup.tf"}),
        ({"volumes": [VOLUME], "backup": "none"}, {*WEB, "storage.tf"}),
        ({"volumes": [SHARED]}, {*WEB, "storage.tf"}),
        ({"volumes": [SCRATCH]}, WEB),
        ({"cronjobs": JOBS}, {*WEB, "cronjobs.tf"}),
        ({"kind": "worker"}, WEB - {"ingress.tf"}),
        ({"kind": "worker", "port": 0}, WEB - {"ingress.tf", "service.tf"}),
        ({"kind": "cronjob"}, {*ALWAYS, "cronjobs.tf"}),
    ],
)
def test_there_is_no_file_without_a_need(given: dict[str, Any], expected: set[str]) -> None:
    assert set(stack(**given)) == expected


def test_the_renderer_makes_what_these_tests_look_at() -> None:
    text = "".join(HOSTILE)
    given = {
        **RICH,
        "title": text,
        "description": text,
        "auth": "none",
        "auth_reason": text,
        "anubis": True,
        "carveouts": [{"name": "feed", "paths": ["/feed"], "reason": text}],
        "redis": True,
        "env": {"TEXT": text + "\n", "HOST": "https://{host}/"},
        "database": "postgres",
        "volumes": [VOLUME, SHARED, SCRATCH],
        "cronjobs": JOBS,
        "migrate_command": ["migrate", text],
    }
    rendered = tree(**given)
    recorded = yaml.safe_load(rendered.pop(".copier-answers.yml"))
    assert rendered == files(answers(**given).context)
    assert {name: recorded[name] for name in given} == given
    assert {name: recorded[name] for name in PICKED} == PICKED


def test_the_renderer_leaves_out_what_these_tests_do_not_expect() -> None:
    assert set(tree(kind="cronjob")) == {*ALWAYS, "cronjobs.tf", ".copier-answers.yml"}
