"""What keeps a service's images, actions and dependencies up to date: Renovate on the forge, and nothing on GitHub."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from generator.template.template import Template
from tests.answers import LANGUAGES, SMALLEST, render

from .conftest import answers_for
from .trees import Tree

CONFIG = ".forgejo/renovate.json"
ON_GITHUB = ("renovate.json", "renovate.json5", ".renovaterc", ".github/renovate.json", ".github/dependabot.yml")


@pytest.fixture(scope="module")
def drawn(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tree]:
    """The smallest repository of each language."""
    return {
        language: Tree.write(
            tmp_path_factory.mktemp(language),
            render(template, answers_for(template, {**SMALLEST, "language": language}), "service"),
        )
        for language in LANGUAGES
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_the_forge_reads_it(drawn: dict[str, Tree], language: str) -> None:
    """GitHub's copy is a mirror, and a bot that commits there is overwritten at the next push."""
    texts = drawn[language].texts
    assert CONFIG in texts
    assert not {*ON_GITHUB} & set(texts)
    assert "renovate" not in json.loads(texts.get("package.json", "{}"))


def test_it_pins_groups_and_leaves_merging_to_people(drawn: dict[str, Tree]) -> None:
    config = json.loads(drawn["go"].read(CONFIG))
    assert {"config:recommended", "docker:pinDigests", "helpers:pinGitHubActionDigests"} < set(config["extends"])
    assert (config["baseBranchPatterns"], config["schedule"]) == (["master"], ["* 0-5 * * 1"])
    assert config["automerge"] is False
    [rule] = config["packageRules"]
    assert "major" not in rule["matchUpdateTypes"]
    # The template's version is newservice's to change: for the stack too, and with the registrations.
    assert config["copier"] == {"enabled": False}


def test_locks_of_python_are_found(drawn: dict[str, Tree]) -> None:
    """Renovate looks for no file by itself that pip-compile or uv has written."""
    [pattern] = json.loads(drawn["python"].read(CONFIG))["pip-compile"]["managerFilePatterns"]
    for name in ("requirements.lock", "requirements-build.lock", "requirements-dev.lock"):
        assert re.search(pattern.strip("/"), name)
    assert "pip-compile" not in json.loads(drawn["go"].read(CONFIG))


def test_what_installs_svu_is_kept_up_to_date_too(drawn: dict[str, Tree]) -> None:
    """The preset looks for a comment like this one, right above the variable."""
    assert "customManagers:githubActionsVersions" in json.loads(drawn["go"].read(CONFIG))["extends"]
    commented = r"# renovate: datasource=go depName=github\.com/caarlos0/svu/v3\n +SVU_VERSION: v[\d.]+\n"
    assert re.search(commented, drawn["go"].read(".github/workflows/build.yml"))


def test_a_platform_without_renovate_has_no_such_file(other_platform: Tree) -> None:
    assert CONFIG not in other_platform.texts
    assert "enovate" not in other_platform.read("README.md")


def test_without_ci_and_code_there_is_nothing_to_update(template: Template, tmp_path: object) -> None:
    given = {**SMALLEST, "language": "none", "ci": False, "updates": "pinned"}
    files = render(template, answers_for(template, given), "service")
    assert [str(file.path) for file in files] == [".copier-answers.yml"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_digest_is_made_up(drawn: dict[str, Tree], language: str) -> None:
    tree = drawn[language]
    images = [step["image"] for step in tree.pipeline["steps"]]
    images += re.findall(r"^FROM (\S+)", tree.texts.get("Dockerfile", ""), re.MULTILINE)
    assert images
    assert not [image for image in images if "@" in image]


def test_renovate_accepts_it(drawn: dict[str, Tree]) -> None:
    validator = shutil.which("renovate-config-validator")
    if not validator:
        pytest.skip("renovate-config-validator, of npm's package renovate, is not on PATH")
    for tree in drawn.values():
        done = subprocess.run(
            [validator, "--strict", "--no-global", CONFIG], cwd=tree.root, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
