"""The generated Python service itself, in a virtual environment: its own tests, and a real start and stop."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.full import few

from .trees import PYTHON, Tree

# What is imported, and what has to be installed for it.
PACKAGES = {
    "fastapi": "fastapi",
    "h11": "uvicorn",
    "prometheus_client": "prometheus-client",
    "psycopg": "psycopg[binary]",
    "pymysql": "PyMySQL[rsa]",
    "redis": "redis",
    "starlette": "fastapi",
    "uvicorn": "uvicorn",
}


def project(tree: Tree) -> dict[str, Any]:
    return dict(tomllib.loads(tree.read("pyproject.toml"))["project"])


def test_what_is_imported_is_what_is_declared(any_tree: Tree) -> None:
    imported = set()
    for path, text in any_tree.texts.items():
        if path.startswith("app/") and path.endswith(".py"):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    imported.add(str(node.module).split(".")[0])
    needed = {PACKAGES[name] for name in imported - sys.stdlib_module_names - {"app"}}
    assert {re.split("[<>=]", text)[0] for text in project(any_tree)["dependencies"]} == needed


def clean_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "PYTHONDONTWRITEBYTECODE": "1"
    }


def own_tests(python: Path, folder: Path) -> str:
    command = [str(python), "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_its_own_tests_pass(installed: tuple[Path, Path]) -> None:
    folder, python = installed
    assert " passed in " in own_tests(python, folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", few(1, PYTHON))
def test_own_tests_of_each_kind_pass(python: Path, trees: dict[str, Tree], name: str) -> None:
    said = own_tests(python, trees[name].root)
    passed = re.search(r"(\d+) passed in ", said)
    assert passed
    assert int(passed[1]) >= 8


@contextmanager
def started(python: Path, folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process of the service, ended whatever happens."""
    command, variables = [str(python), "-m", "app"], {**clean_environment(), **environment}
    with subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said_until(process: subprocess.Popen[str], text: str) -> list[dict[str, Any]]:
    """The lines up to the one that holds ``text``; each must be JSON."""
    assert process.stdout
    lines: list[dict[str, Any]] = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if text in lines[-1]["message"]:
            return lines
    raise AssertionError(f"ended without saying {text!r}: {lines}")


def answer(python: Path, url: str) -> str:
    """What an address of loopback answers, asked in another process."""
    script = f"import urllib.request as r; print(r.urlopen({url!r}, timeout=30).read().decode())"
    return subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_it_starts_answers_and_stops_gracefully(installed: tuple[Path, Path]) -> None:
    folder, python = installed
    with started(python, folder, PORT="0", DRAIN_SECONDS="0", LOG_LEVEL="info") as process:
        message = said_until(process, "running on")[-1]["message"]
        url = next(word for word in message.split() if word.startswith("http://"))
        port = url.rsplit(":", 1)[1]
        assert json.loads(answer(python, f"http://127.0.0.1:{port}/api/health")) == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        said_until(process, "stopped")
        assert process.wait(timeout=30) in (0, -signal.SIGTERM)


@pytest.mark.slow
def test_a_worker_works_answers_and_stops_gracefully(python: Path, trees: dict[str, Tree]) -> None:
    environment = {"PORT": "0", "METRICS_PORT": "0", "LOG_LEVEL": "info"}
    with started(python, trees["worker-two-ports"].root, **environment) as process:
        port = said_until(process, "listening on port")[-1]["message"].rsplit(" ", 1)[1]
        said_until(process, "worked")
        assert json.loads(answer(python, f"http://127.0.0.1:{port}/healthz")) == {"status": "ok"}
        process.send_signal(signal.SIGTERM)
        said_until(process, "stopped")
        assert process.wait(timeout=30) == 0


@pytest.mark.slow
def test_a_worker_without_a_port_stops_gracefully(python: Path, trees: dict[str, Tree]) -> None:
    with started(python, trees["worker-silent"].root) as process:
        said_until(process, "worked")
        process.send_signal(signal.SIGTERM)
        said_until(process, "stopped")
        assert process.wait(timeout=30) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "status", "last"), [("cronjob", 0, "finished in"), ("cronjob-mysql", 1, "failed")])
def test_a_job_runs_once(python: Path, trees: dict[str, Tree], name: str, status: int, last: str) -> None:
    """The second one has no database here, and that is a failure."""
    with started(python, trees[name].root) as process:
        said_until(process, last)
        assert process.wait(timeout=30) == status
