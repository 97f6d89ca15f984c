"""Which files are generated, and that each is one that a careful engineer would keep."""

from __future__ import annotations

import json
import re

import pytest

from generator.template.template import Template

from .trees import Tree

COMMON = {
    ".copier-answers.yml",
    ".dockerignore",
    ".forgejo/renovate.json",
    ".github/workflows/build.yml",
    ".gitignore",
    ".woodpecker/deploy.yml",
    "Dockerfile",
    "README.md",
    "app/__init__.py",
    "app/__main__.py",
    "app/logs.py",
    "app/main.py",
    "app/metrics.py",
    "app/server.py",
    "app/settings.py",
    "pyproject.toml",
    "requirements-build.in",
    "requirements-build.lock",
    "requirements-dev.lock",
    "requirements.lock",
    "tests/test_logs.py",
    "tests/test_server.py",
    "tests/test_service.py",
    "tests/test_settings.py",
}


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_files_without_a_database(trees: dict[str, Tree], visibility: str) -> None:
    assert set(trees[f"none-{visibility}"].texts) == COMMON
    assert "psycopg" not in trees[f"none-{visibility}"].read("pyproject.toml")
    assert "/readyz" not in trees[f"none-{visibility}"].read("README.md")


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_files_with_a_database(trees: dict[str, Tree], visibility: str) -> None:
    files = set(trees[f"postgres-{visibility}"].texts)
    assert files == COMMON | {"app/database.py", "tests/test_database.py"}


@pytest.mark.parametrize("engine", ["none", "postgres"])
def test_visibility_changes_only_what_tells_of_it(trees: dict[str, Tree], engine: str) -> None:
    private, public = trees[f"{engine}-private"].texts, trees[f"{engine}-public"].texts
    assert {path for path in private if private[path] != public[path]} == {".copier-answers.yml", "README.md"}


def test_text_is_tidy(any_tree: Tree) -> None:
    for path, text in any_tree.texts.items():
        if path in ("app/__init__.py", "app/migrations/__init__.py"):
            assert text == ""
            continue
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not text.startswith("\n"), path
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        if path != ".copier-answers.yml":
            assert not re.search(r"\[%|%\]|\[#|#\]", text), path
            assert "\n\n\n\n" not in text, path


def test_generated_code_satisfies_its_own_linter(any_tree: Tree) -> None:
    any_tree.run("ruff", "check", "--no-cache", ".")
    any_tree.run("ruff", "format", "--no-cache", "--check", ".")


def test_nothing_of_the_built_in_platform_is_left_on_another_one(other_platform: Tree, template: Template) -> None:
    platform = template.platform
    facts = {
        platform["domain"],
        platform["forgejo"]["owner"],
        platform["registry"]["host"],
        platform["forgejo"]["branch"],
    }
    for path, text in other_platform.texts.items():
        if path != ".copier-answers.yml":  # records the profile, including what no file of this layer uses
            found = {fact for fact in facts if re.search(rf"\b{re.escape(fact)}\b", text, re.IGNORECASE)}
            assert not found, path
    workflow = other_platform.workflow
    assert workflow["on"]["push"]["branches"] == ["trunk"]
    assert workflow["env"]["IMAGE_NAME"] == "registry.example.org/acmeinc/null"


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions, continued lines joined."""
    lines = re.sub(r"\\\n\s*", "", dockerfile).splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line]


def test_image_is_small_unprivileged_and_says_whether_it_is_well(richest: Tree) -> None:
    read = instructions(richest.read("Dockerfile"))
    assert [name for name, _ in read].count("FROM") == 2
    assert ("USER", "10001:10001") in read
    assert ("EXPOSE", "9000") in read
    final = read[[index for index, (name, _) in enumerate(read) if name == "FROM"][1] :]
    assert [rest for name, rest in final if name == "COPY"] == ["--from=build /venv /venv"]
    check = next(rest for name, rest in read if name == "HEALTHCHECK")
    command = json.loads(check[check.index("CMD ") + 4 :])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "healthcheck", "exec")
    assert "/healthz" in command[2]
    assert json.loads(read[-1][1]) == ["python", "-m", "app"]


def test_an_image_that_listens_nowhere_says_nothing_of_ports(trees: dict[str, Tree]) -> None:
    for name in ("worker-silent", "worker-silent-postgres", "cronjob", "cronjob-postgres"):
        dockerfile = trees[name].read("Dockerfile")
        assert not re.search(r"PORT|EXPOSE|HEALTHCHECK", dockerfile), name
        assert [line for line, _ in instructions(dockerfile)][-2:] == ["USER", "CMD"]
        assert "127.0.0.1" not in trees[name].read("README.md")


def test_every_port_is_exposed(trees: dict[str, Tree]) -> None:
    for name in ("web-two-ports", "worker-two-ports"):
        assert ("EXPOSE", "8080 9100") in instructions(trees[name].read("Dockerfile"))
        assert "/prometheus" not in "".join(trees[name].texts[path] for path in trees[name].texts if "app/" in path)


WEB = {"app/main.py", "app/metrics.py", "app/server.py", "tests/test_server.py", "tests/test_service.py"}
DATABASE = {"app/database.py", "tests/test_database.py"}
WORKER = {"app/worker.py", "tests/test_worker.py"}
JOB = {"app/job.py", "tests/test_job.py"}
CI = {".github/workflows/build.yml"}
DEPLOY = {".woodpecker/deploy.yml"}
REDIS = {"app/redis_store.py", "tests/test_redis_store.py"}
MIGRATIONS = {
    *("app/migrations/0001_first.sql", "app/migrations/__init__.py", "app/migrations/__main__.py"),
    "tests/test_migrations.py",
}
HEALTH = {"app/health.py", "tests/test_health.py"}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("web-unmeasured", WEB - {"app/metrics.py"} | CI),
        ("web-two-ports", WEB | DATABASE),
        ("worker", WORKER | HEALTH | DATABASE | CI | DEPLOY),
        ("worker-unmeasured", WORKER | HEALTH | CI | DEPLOY | {"scripts/test"}),
        ("worker-silent", WORKER | CI | DEPLOY),
        ("web-redis", WEB | DATABASE | MIGRATIONS | REDIS | CI | DEPLOY),
        ("worker-silent-redis", WORKER | REDIS | CI | DEPLOY),
        ("cronjob", JOB | CI),
        ("cronjob-mysql", JOB | DATABASE | CI),
    ],
)
def test_files_of_the_other_kinds(trees: dict[str, Tree], name: str, more: set[str]) -> None:
    assert set(trees[name].texts) == COMMON - WEB - CI - DEPLOY | more


def test_only_the_code_reaches_the_image(any_tree: Tree) -> None:
    locks = ["!requirements-build.lock", "!requirements.lock"]
    assert any_tree.read(".dockerignore").split() == ["*", "!app", "!pyproject.toml", *locks]
