"""Woodpecker's agent for the sandbox's Woodpecker: the mirror's pipeline, run here with a kubectl that records."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from generator.sandbox import Sandbox
from generator.sandbox.woodpecker.state import Repository
from tests.chain.machine import Machine

_NAME = re.compile(r"\$\$|\$\{([A-Za-z0-9_]*)(\}?)")


class UnsupportedError(AssertionError):
    """A pipeline uses something of Woodpecker's that this agent does not do."""


@dataclass(frozen=True)
class Deployment:
    """How a pipeline ended, and what its steps printed."""

    number: int
    status: str
    said: str


class Agent:
    """Runs pending pipelines as Woodpecker would; ``fails`` is the part of a kubectl command that goes wrong."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self.machine = Machine(folder, ("kubectl",), ("sh",))
        self.fails = ""
        sandbox.woodpecker.new_status = "pending"

    def work(self, full_name: str) -> list[Deployment]:
        """Run the repository's pending pipelines, oldest first."""
        row = self._sandbox.woodpecker.repository(full_name)
        pending = [pipeline for pipeline in row.pipelines if pipeline["status"] == "pending"]
        return [self._run(row, pipeline) for pipeline in pending]

    def _run(self, row: Repository, pipeline: dict[str, Any]) -> Deployment:
        bare = self._sandbox.github.repository(row.full_name).bare
        status, said = "success", ""
        for workflow in pipeline["workflows"]:
            text = bare.file(pipeline["commit"], f".woodpecker/{workflow['name']}.yml")
            assert text is not None
            metadata = _metadata(row, pipeline, workflow)
            for step in steps(substitute(text.decode(), metadata), pipeline["event"]):
                if status == "success":
                    done = self._step(step, {**pipeline["variables"], **metadata}, pipeline["number"])
                    said += done.stdout
                    status = "failure" if done.returncode else "success"
        self._sandbox.woodpecker.finish(row.full_name, pipeline["number"], status=status)
        return Deployment(pipeline["number"], status, said)

    def _step(self, step: dict[str, Any], variables: dict[str, str], number: int) -> subprocess.CompletedProcess[str]:
        workspace = self._folder / f"pipeline-{number}"
        workspace.mkdir(exist_ok=True)
        failing = {"CHAIN_KUBECTL_FAILS": self.fails} if self.fails else {}
        return subprocess.run(
            ["sh", "-e", "-c", "\n".join(step["commands"])],
            cwd=workspace,
            env={**variables, **self.machine.environment, **failing},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )


def substitute(text: str, values: dict[str, str]) -> str:
    """A configuration with its ``${NAME}`` filled in, and ``$$`` made one dollar, as before it is read as YAML.

    The variables of a pipeline are not among ``values``: those reach the steps' environment alone.
    """

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        if not found[2]:
            raise UnsupportedError(f"a function in {found[0]}…")
        return values.get(found[1], "")

    return _NAME.sub(value, text)


def steps(text: str, event: str) -> list[dict[str, Any]]:
    """The steps of a configuration; none when it is not meant for the event. Raises UnsupportedError."""
    workflow = yaml.safe_load(text)
    _only(workflow, {"when", "skip_clone", "steps"})
    if workflow.get("skip_clone") is not True:
        raise UnsupportedError("a clone")
    conditions = workflow["when"]
    for condition in conditions:
        _only(condition, {"event"})
    if event not in [condition["event"] for condition in conditions]:
        return []
    for step in workflow["steps"]:
        _only(step, {"name", "image", "commands"})
    return list(workflow["steps"])


def _only(entry: dict[str, Any], known: set[str]) -> None:
    if set(entry) - known:
        raise UnsupportedError(f"{sorted(set(entry) - known)}")


def _metadata(row: Repository, pipeline: dict[str, Any], workflow: dict[str, Any]) -> dict[str, str]:
    owner, _, name = row.full_name.partition("/")
    return {
        "CI": "woodpecker",
        "CI_COMMIT_BRANCH": pipeline["branch"],
        "CI_COMMIT_SHA": pipeline["commit"],
        "CI_PIPELINE_EVENT": pipeline["event"],
        "CI_PIPELINE_NUMBER": str(pipeline["number"]),
        "CI_REPO": row.full_name,
        "CI_REPO_NAME": name,
        "CI_REPO_OWNER": owner,
        "CI_WORKFLOW_NAME": workflow["name"],
    }
