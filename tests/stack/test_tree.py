"""The tree as copier renders it."""

from __future__ import annotations

import yaml

from generator.render import render

from .rendering import RICH, UPSTREAM, VOLUME, answers, files, template
from .test_text import HOSTILE

ALWAYS = {".copier-answers.yml", "deployment.tf", "ingress.tf", "main.tf", "service.tf", "terragrunt.hcl"}


def tree(**given: object) -> dict[str, str]:
    return {file.path: file.content.decode() for file in render(template(), answers(**given), "stack", {})}


def test_a_small_service_has_no_file_that_it_does_not_need() -> None:
    assert set(tree(**UPSTREAM)) == ALWAYS


def test_secrets_and_storage_have_files_of_their_own() -> None:
    assert set(tree(secrets={"TOKEN": "token"}, volumes=[VOLUME])) == {*ALWAYS, "secrets.tf", "storage.tf"}
    assert set(tree(database="postgres")) == {*ALWAYS, "secrets.tf"}


def test_copier_renders_what_these_tests_look_at() -> None:
    text = "".join(HOSTILE)
    given = {
        **RICH,
        "title": text,
        "description": text,
        "auth": "app",
        "auth_reason": text,
        "env": {"TEXT": text + "\n", "HOST": "https://{host}/"},
        "database": "postgres",
        "volumes": [VOLUME],
    }
    rendered = tree(**given)
    recorded = yaml.safe_load(rendered.pop(".copier-answers.yml"))
    assert rendered == files(answers(**given).context)
    assert {name: recorded[name] for name in given} == given
