"""Which files are generated, and that each is one that a careful engineer would keep."""

from __future__ import annotations

import json
import re

import pytest

from generator.template import Template

from .trees import Tree

COMMON = {
    ".copier-answers.yml",
    ".dockerignore",
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
    "app/settings.py",
    "pyproject.toml",
    "tests/test_logs.py",
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


def test_text_is_tidy(tree: Tree) -> None:
    for path, text in tree.texts.items():
        if path == "app/__init__.py":
            assert text == ""
            continue
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not text.startswith("\n"), path
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        if path != ".copier-answers.yml":
            assert not re.search(r"\[%|%\]|\[#|#\]", text), path
            assert "\n\n\n\n" not in text, path


def test_generated_code_satisfies_its_own_linter(tree: Tree) -> None:
    tree.run("ruff", "check", "--no-cache", ".")
    tree.run("ruff", "format", "--no-cache", "--check", ".")


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


def test_only_the_code_reaches_the_image(tree: Tree) -> None:
    assert tree.read(".dockerignore").split() == ["*", "!app", "!pyproject.toml"]
