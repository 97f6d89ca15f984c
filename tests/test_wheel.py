"""Built as a wheel and installed elsewhere, the command finds its templates and works."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from generator.template.template import PACKAGE, Template
from tests.answers import SMALLEST
from tests.full import full

CHECKOUT = PACKAGE.parent
OPTIONS = [f"--{key}={value}" for key, value in SMALLEST.items() if key != "name"]

pytestmark = pytest.mark.skipif(
    Template.installed().root != CHECKOUT, reason="newservice is not installed from a checkout"
)


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel; built without the registry where the build system is at hand."""
    folder = tmp_path_factory.mktemp("wheel")
    at_hand = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *at_hand, "-w", folder, CHECKOUT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in a fresh environment; what newservice depends on is this environment's."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(folder, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "newservice"


def below(folder: Path) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in files}


def test_the_wheel_holds_every_file_of_package_and_template(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = {f"generator/{path}" for path in below(CHECKOUT / "generator")}
    template = {f"generator/_template/templates/{path}" for path in below(CHECKOUT / "templates")}
    assert names == {*package, *template, "generator/_template/copier.yml"}
    for needed in (
        "generator/_template/templates/ci/build.yml.jinja",
        "generator/_template/templates/service/python/.github/workflows/build.yml.jinja",
        "generator/_template/templates/service/python/.woodpecker/deploy.yml.jinja",
        "generator/_template/templates/service/none/.copier-answers.yml.jinja",
        "generator/_template/templates/service/python/.gitignore",
        "generator/_template/templates/stack/.copier-answers.yml.jinja",
        "generator/sandbox/infra/.claude/reference/service-catalog.md",
        "generator/released/index.json",
        "generator/released/1.0.0.zip",
    ):
        assert needed in names


@full
def test_every_release_is_installed_and_the_template_is_the_checkouts(installed: Path, tmp_path: Path) -> None:
    here = run(sys.executable, "-m", "generator", "templates", "--json", cwd=CHECKOUT)
    there = run(installed, "templates", "--json", cwd=tmp_path)
    assert there.count('"state": "released"') >= 1
    assert here == there


def test_installed_scripts_stay_executable(installed: Path) -> None:
    template = installed.parent.parent / "lib"
    scripts = [path for path in template.rglob("test.jinja") if "scripts" in path.parent.name]
    assert len(scripts) >= 2
    assert all(os.access(path, os.X_OK) for path in scripts)


@pytest.mark.slow
def test_the_installed_command_works_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    folder, temporary = tmp_path / "empty", tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()

    def newservice(*arguments: str) -> str:
        return run(installed, *arguments, cwd=folder, TMPDIR=str(temporary))

    where = run(installed.with_name("python"), "-c", "import generator; print(generator.__file__)", cwd=folder)
    assert Path(where.strip()).is_relative_to(installed.parent.parent)
    assert newservice("--version").startswith("newservice, version ")
    assert set(SMALLEST) <= set(json.loads(newservice("schema"))["properties"])

    completed = newservice("create", str(SMALLEST["name"]), *OPTIONS, "--sandbox", "--non-interactive", "--json")
    result = json.loads(completed.splitlines()[-1])
    assert (result["event"], result["status"], result["exit_code"]) == ("result", "success", 0)
    service = folder / str(SMALLEST["name"])
    assert [path.name for path in folder.iterdir()] == [service.name]
    for path in service.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            assert str(installed.parent.parent) not in path.read_text(), path


def test_the_installed_template_is_the_checkouts(installed: Path, tmp_path: Path) -> None:
    """Installers compile what ends in .py, and that must not reach a service."""
    arguments = ("-m", "generator", "plan", *OPTIONS, "--name", str(SMALLEST["name"]), "--no-provision", "--json")
    places = ("--infra", str(CHECKOUT / "generator" / "sandbox" / "infra"), "--service-dir", str(tmp_path / "service"))
    here = run(sys.executable, *arguments, *places, cwd=CHECKOUT)
    there = run(installed.with_name("python"), *arguments, *places, cwd=tmp_path)
    assert [path.name for path in installed.parent.parent.rglob("__pycache__") if "_template" in path.parts]
    assert here == there
