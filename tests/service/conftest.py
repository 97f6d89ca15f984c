"""Rendered service repositories."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generator.template.answers import Answers, resolve
from generator.template.questions import load_questions
from generator.template.template import Template
from tests.answers import render

from .trees import PYTHON, REPOSITORY_ID, VARIANTS, Tree

GO_SETTINGS = ("GOCACHE", "GOMODCACHE", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOROOT", "GOSUMDB")


@pytest.fixture(scope="session")
def template() -> Template:
    return Template.installed()


def answers_for(template: Template, given: dict[str, Any], facts: dict[str, Any] | None = None) -> Answers:
    return resolve(template, load_questions(template), given, {"woodpecker_repo_id": REPOSITORY_ID, **(facts or {})})


class Trees(dict[str, Tree]):
    """One rendered repository for each set of answers, rendered when it is first asked for."""

    def __init__(self, template: Template, folder: Path) -> None:
        super().__init__()
        self._template = template
        self._folder = folder

    def __missing__(self, name: str) -> Tree:
        self[name] = rendered(self._template, {**VARIANTS, **PYTHON}[name], self._folder / name)
        return self[name]


@pytest.fixture(scope="session")
def trees(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """The rendered repositories; tests read them and leave them as they are."""
    return Trees(template, tmp_path_factory.mktemp("trees"))


@pytest.fixture(scope="session")
def installed(trees: Trees, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A copy of the richest variant and the Python that it was installed for, as its README says: from its lock."""
    folder = tmp_path_factory.mktemp("service") / "null"
    shutil.copytree(trees["postgres-dsn-private"].root, folder)
    # Without a pip of its own, which takes longer to install than all that the service needs.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=folder, check=True)
    pip = [sys.executable, "-m", "pip", "--python", ".venv/bin/python", "--disable-pip-version-check"]
    locked = [*pip, "install", "--quiet", "--require-hashes", "--requirement"]
    for command in (
        [*locked, "requirements-dev.lock"],
        # The other repositories' tests run here too, and need MySQL's driver and Redis beside what this one needs.
        [*locked, str(trees["worker-redis"].root / "requirements.lock")],
        [*pip, "install", "--quiet", "--no-deps", "--editable", "."],
        [*pip, "check"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder, folder / ".venv" / "bin" / "python"


@pytest.fixture
def python(installed: tuple[Path, Path]) -> Path:
    """The Python that has what every Python repository needs."""
    return installed[1]


@pytest.fixture(scope="session")
def go_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Go's environment with this person's caches; taken before a test has a home of its own."""
    if not shutil.which("go") or not shutil.which("gofmt"):
        pytest.skip("go and gofmt are not installed: the service in Go is rendered, and neither built nor tested")
    local = {**os.environ, "GOTOOLCHAIN": "local"}
    asked = ["go", "env", "-json", "GOVERSION", *GO_SETTINGS]
    said = json.loads(subprocess.run(asked, env=local, capture_output=True, text=True, check=True).stdout)
    version = re.match(r"go(\d+)\.(\d+)", said.pop("GOVERSION"))
    if not version or (int(version[1]), int(version[2])) < (1, 26):
        pytest.skip("the service in Go is written for Go 1.26 or newer, and an older one is installed")
    home = str(tmp_path_factory.mktemp("go-home"))
    # Without the folders' names in what is built, the next run of these tests finds it in the cache.
    fixed = {"PATH": os.environ["PATH"], "HOME": home, "GOTOOLCHAIN": "local", "GOFLAGS": "-trimpath -buildvcs=false"}
    return {**said, **fixed, "CGO_ENABLED": "0", "GOTELEMETRY": "off"}


def rendered(template: Template, given: dict[str, Any], folder: Path) -> Tree:
    """The repository that answers make, written to ``folder``."""
    return Tree.write(folder, render(template, answers_for(template, given), "service"))


@pytest.fixture(params=VARIANTS)
def tree(request: pytest.FixtureRequest, trees: dict[str, Tree]) -> Tree:
    """Each variant in turn; tests read it and leave it as it is."""
    return trees[request.param]


@pytest.fixture(params=[*VARIANTS, *PYTHON])
def any_tree(request: pytest.FixtureRequest, trees: dict[str, Tree]) -> Tree:
    """Each variant and each other Python repository in turn."""
    return trees[request.param]


@pytest.fixture
def richest(trees: dict[str, Tree]) -> Tree:
    """The variant with most in it."""
    return trees["postgres-dsn-private"]


@pytest.fixture
def other_platform(template: Template, tmp_path: Path) -> Tree:
    """A repository of a platform that has nothing in common with the built-in one."""
    platform = {
        **template.platform,
        "domain": "example.org",
        "lan_domain": "example.lan",
        "forgejo": {"url": "https://git.example.org", "owner": "acme", "branch": "trunk"},
        "github": {
            "url": "https://github.example.org",
            "api_url": "https://api.example.org",
            "owner": "AcmeInc",
            "build_cache": False,
        },
        "registry": {"host": "registry.example.org", "owner": "acmeinc", "keep_versions": 3},
        "woodpecker": {"url": "https://woodpecker.example.org", "wait_seconds": 0},
        "renovate": {"schedule": ""},
        "ci_email": "robot@example.org",
        "template_url": "https://git.example.org/acme/newservice.git",
    }
    del platform["connection"]
    facts = {"woodpecker_repo_id": REPOSITORY_ID, "platform": platform}
    answers = answers_for(template, VARIANTS["postgres-dsn-private"], facts)
    return Tree.write(tmp_path, render(template, answers, "service", facts))
