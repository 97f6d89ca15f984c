"""The locks of the Python service: true to pyproject.toml for every combination of answers, and to the index."""

from __future__ import annotations

import re
import shutil
import tomllib
from itertools import product

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from generator.template.template import Template
from tests.full import few

from .python_lock import (
    BUILD,
    BUILD_LOCK,
    COMBINATIONS,
    FOLDER,
    LOCKS,
    Combination,
    command_of,
    compiled,
    compiled_build,
    entries,
    head_of,
)
from .trees import Tree

EACH = tuple(product(COMBINATIONS, LOCKS))
ENTRY = r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; [a-zA-Z_0-9 .'<>=!()]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n"


def rendered(template: Template, path: str, combination: Combination) -> str:
    source = (FOLDER / f"{path}.jinja").read_text(encoding="utf-8")
    return template.render(source, combination.context)


def declared(template: Template, combination: Combination, lock: str) -> list[Requirement]:
    project = tomllib.loads(rendered(template, "pyproject.toml", combination))["project"]
    more = project["optional-dependencies"]["dev"] if "dev" in lock else []
    return [Requirement(text) for text in [*project["dependencies"], *more]]


@pytest.mark.parametrize(("combination", "lock"), EACH)
def test_every_dependency_is_locked_in_its_range(template: Template, combination: Combination, lock: str) -> None:
    locked = entries(rendered(template, lock, combination))
    for requirement in declared(template, combination, lock):
        version = locked[canonicalize_name(requirement.name)].split()[0].partition("==")[2]
        assert version in requirement.specifier, requirement


@pytest.mark.parametrize(("combination", "lock"), EACH)
def test_a_lock_holds_versions_and_hashes_and_no_address(
    template: Template, combination: Combination, lock: str
) -> None:
    text = rendered(template, lock, combination)
    assert text.startswith(head_of(lock))
    for name, entry in entries(text).items():
        assert re.fullmatch(ENTRY, entry), name
    assert "://" not in text


def test_what_tests_have_is_what_the_image_has(template: Template) -> None:
    for combination in COMBINATIONS:
        image, tests = (entries(rendered(template, lock, combination)) for lock in LOCKS)
        for name, entry in image.items():
            assert tests[name].split()[0] == entry.split()[0]


def test_the_readme_names_the_commands(trees: dict[str, Tree]) -> None:
    for lock in (*LOCKS, BUILD_LOCK):
        assert f"\n    {' '.join(command_of(lock))}\n" in trees["web-redis"].read("README.md")


def test_what_builds_the_package_is_locked_too(trees: dict[str, Tree]) -> None:
    """The image takes it from the lock alone: by itself pip would look up what the backend needs, without hashes."""
    tree = trees["web-redis"]
    wanted = tomllib.loads(tree.read("pyproject.toml"))["build-system"]["requires"]
    assert [line for line in tree.read(BUILD).splitlines() if not line.startswith("#")] == wanted
    text = tree.read(BUILD_LOCK)
    assert text.startswith(head_of(BUILD_LOCK))
    locked = entries(text)
    assert all(re.fullmatch(ENTRY, entry) for entry in locked.values())
    assert set(wanted) <= {entry.split()[0] for entry in locked.values()}
    assert {"packaging", "pathspec", "pluggy"} < set(locked)
    pip = re.findall(r"pip (?:install|wheel) .*", tree.read("Dockerfile"))
    [build] = [command for command in pip if command.endswith(" .")]
    assert {"--no-deps", "--no-build-isolation", "--check-build-dependencies"} < set(build.split())
    for command in pip:
        assert "--require-hashes" in command or "--no-deps" in command, command


@pytest.mark.slow
def test_uv_would_change_nothing_of_the_build() -> None:
    if not shutil.which("uv"):
        pytest.skip("uv is not on PATH: the locks are not compiled again")
    text = (FOLDER / BUILD_LOCK).read_text(encoding="utf-8")
    assert compiled_build(before=text) == entries(text)


@pytest.mark.slow
@pytest.mark.parametrize(("combination", "lock"), few(0, EACH, apart=True))
def test_uv_would_change_nothing(template: Template, combination: Combination, lock: str) -> None:
    if not shutil.which("uv"):
        pytest.skip("uv is not on PATH: the locks are not compiled again")
    text = rendered(template, lock, combination)
    assert compiled(template, combination, lock, before=text) == entries(text)
