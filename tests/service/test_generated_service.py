"""The generated service itself, in a fresh virtual environment: its own tests, and a real start and stop."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .trees import Tree

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(trees: dict[str, Tree], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A copy of the richest variant and the Python that it was installed for, as its README says."""
    folder = tmp_path_factory.mktemp("service") / "null"
    shutil.copytree(trees["postgres-dsn-private"].root, folder)
    subprocess.run([sys.executable, "-m", "venv", ".venv"], cwd=folder, check=True)
    pip = [".venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--editable", ".[dev]"]
    done = subprocess.run(pip, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, folder / ".venv" / "bin" / "python"


def clean_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def test_its_own_tests_pass(installed: tuple[Path, Path]) -> None:
    folder, python = installed
    command = [str(python), "-m", "pytest", "-q", "-W", "error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed in " in done.stdout


def test_it_starts_answers_and_stops_gracefully(installed: tuple[Path, Path]) -> None:
    folder, python = installed
    environment = {**clean_environment(), "PORT": "0", "LOG_LEVEL": "info"}
    command = [str(python), "-m", "app"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:  # each must be JSON; the last one of the start tells the port
            lines.append(json.loads(line))
            if "running on" in lines[-1]["message"]:
                break
        url = next(word for word in lines[-1]["message"].split() if word.startswith("http://"))
        port = url.rsplit(":", 1)[1]
        probe = f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:{port}/api/health').read().decode())"
        said = subprocess.run([str(python), "-c", probe], capture_output=True, text=True, check=True).stdout
        assert json.loads(said) == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(timeout=30) in (0, -signal.SIGTERM)
    assert "stopped" in [line["message"] for line in rest]
