"""How long a whole create takes with a slow network, and how many of its requests wait for each other.

The embedded platform runs in this process, the command in one of its own that has loaded everything before. What is
counted is what the platform's journal shows: the longest chain of requests of which each began after the one before had
ended. All in one run on one machine, so that only counts and ratios matter.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from generator.cli.json_lines import JsonReporter
from generator.cli.runner import run_command
from generator.sandbox import Exchange, Sandbox, sequence
from tests.answers import RICH

LATENCY = 0.05
"""Seconds that every request takes longer."""

ROUNDS = 3

MOST_IN_SEQUENCE = 16
"""Target: requests of a create that wait for each other."""

MOST_TIME = 1.5
"""Target: seconds of a create, against those that this many requests take."""


@dataclass(frozen=True)
class Carried:
    """One command: its seconds, its requests, and the longest chain of those that waited for each other."""

    seconds: float
    requests: int
    chain: tuple[str, ...]


def create(name: str) -> list[str]:
    """The command that creates the rich service."""
    answers = Path(f"{name}.yml")
    answers.write_text(yaml.safe_dump({**RICH, "name": name}))
    return ["create", "--answers", str(answers), "--service-dir", str(Path(name))]


def carry_out(words: list[str]) -> float:
    """Run a command in this process, or ``create`` with a service's name; its seconds. Raises ``RuntimeError``."""
    out, command = io.StringIO(), create(words[1]) if words[0] == "create" else words
    places = ("--platform", os.environ["PROFILE"], "--infra", os.environ["CLONE"])
    started = time.perf_counter()
    if run_command([*command, *places, "--json"], JsonReporter(out)):
        raise RuntimeError(out.getvalue())
    return time.perf_counter() - started


def child() -> None:
    """What the process of the commands does: each line that it reads is a command, each that it writes is seconds."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(carry_out(json.loads(line))) + "\n")
        sys.stdout.flush()


def measured(sandbox: Sandbox, process: subprocess.Popen[str], *words: str) -> Carried:
    """Let the process carry out a command on the platform."""
    assert process.stdin is not None
    assert process.stdout is not None
    sandbox.forgejo.wait_for_mirrors()
    sandbox.journal.clear()
    process.stdin.write(json.dumps(words) + "\n")
    process.stdin.flush()
    seconds = float(json.loads(process.stdout.readline()))
    sandbox.forgejo.wait_for_mirrors()
    own = [exchange for exchange in sandbox.journal if not _of_the_forge(exchange)]
    return Carried(seconds, len(own), tuple(f"{item.system} {item.method} {item.path}" for item in sequence(own)))


def _of_the_forge(exchange: Exchange) -> bool:
    """Whether Forgejo's mirror sent it, not newservice."""
    return exchange.system == "github" and ".git/" in exchange.path


def started(sandbox: Sandbox, work: Path) -> subprocess.Popen[str]:
    """A process that creates services on the platform, one for each line."""
    environ: Mapping[str, str] = {
        **os.environ,
        **sandbox.environment,
        "PROFILE": str(sandbox.profile),
        "CLONE": str(sandbox.infra),
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "HOME": str(work),
    }
    command = [sys.executable, "-c", "from tests.speed import child; child()"]
    return subprocess.Popen(
        command, cwd=work, env=dict(environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def main() -> None:
    """Print the figures, each with its target."""
    with tempfile.TemporaryDirectory() as folder, Sandbox.start(Path(folder) / "platform", latency=LATENCY) as sandbox:
        work = Path(folder) / "work"
        work.mkdir()
        with started(sandbox, work) as process:
            measured(sandbox, process, "create", "loads")
            found = [_round(sandbox, process, f"service-{number}") for number in range(ROUNDS)]
            assert process.stdin is not None
            process.stdin.close()
    first, second, memory, title = (
        sorted((commands[at] for commands in found), key=lambda item: item.seconds)[ROUNDS // 2] for at in range(4)
    )
    ideal = MOST_IN_SEQUENCE * LATENCY
    _tell("requests in sequence / all requests", len(first.chain), first.requests, MOST_IN_SEQUENCE, len(first.chain))
    _tell("full create / its target's requests in sequence", first.seconds, ideal, MOST_TIME, first.seconds / ideal)
    _tell("second create / first create", second.seconds, first.seconds)
    _tell("a changed memory / first create", memory.seconds, first.seconds)
    _tell("a changed title, both repositories / first create", title.seconds, first.seconds)
    _tell("a changed memory: requests in sequence / all", len(memory.chain), memory.requests)
    _tell("a changed title: requests in sequence / all", len(title.chain), title.requests)
    if "-v" in sys.argv:
        sys.stdout.write("".join(f"  {number:2} {what}\n" for number, what in enumerate(first.chain, 1)))


def _round(sandbox: Sandbox, process: subprocess.Popen[str], name: str) -> tuple[Carried, ...]:
    """A service is created, created again, merged, and changed twice."""
    first, second = (measured(sandbox, process, "create", name) for _ in range(2))
    infra = sandbox.forgejo.repository(f"{sandbox.platform.forgejo.owner}/{sandbox.platform.infra.repository}")
    infra.bare.update(f"refs/heads/{sandbox.platform.infra.branch}", infra.bare.heads()[f"newservice/{name}"])
    memory = measured(sandbox, process, "change", name, "--memory", "1Gi", "--yes")
    return first, second, memory, measured(sandbox, process, "change", name, "--title", "Town Guide", "--yes")


def _tell(title: str, ours: float, theirs: float, target: float | None = None, figure: float = 0) -> None:
    completed = "" if target is None else f" (target {target:g}: {'met' if figure <= target else 'missed'})"
    sys.stdout.write(f"{title:<50} {ours:6.3f} / {theirs:6.3f} = {ours / theirs:.2f}{completed}\n")


if __name__ == "__main__":
    main()
