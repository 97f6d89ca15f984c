"""How long a whole create takes with a slow network, against its critical path and against one request at a time.

The embedded platform runs in this process, the command in one of its own that has loaded everything before: what is
measured is from the first look to the last word. All in one run on one machine, so that only ratios count.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import yaml

from generator.base import memo as looks
from generator.base import parallel as schedule
from generator.base.parallel import Task
from generator.cli import _run
from generator.cli.json_lines import JsonReporter
from generator.engine import executor, onboarding
from generator.engine.steps import steps_for
from generator.sandbox import Exchange, Sandbox
from tests.answers import RICH, answer

LATENCY = 0.05
"""Seconds that every request takes longer."""

ROUNDS = 3


class Taken:
    """Seconds of each part of one create, by what took them."""

    def __init__(self, total: float, parts: Mapping[str, float]) -> None:
        self.total = total
        self.parts = parts

    @property
    def critical(self) -> float:
        """The longest chain of what waits for each other: looks, then steps; all else is in between."""
        after = {step.id: step.after for step in steps_for(answer(RICH))}

        def until(step: str) -> float:
            return self.parts.get(step, 0.0) + max((until(item) for item in after[step] if item in after), default=0.0)

        looked = max(value for name, value in self.parts.items() if name.startswith("look at "))
        alone = sum(value for name, value in self.parts.items() if not name.startswith("look at "))
        return looked + max(map(until, after)) + self.total - alone - self._looks

    @property
    def _looks(self) -> float:
        return sum(value for name, value in self.parts.items() if name.startswith("look at "))


def create(name: str, *, at_once: bool = True) -> Taken:
    """One create of the rich service in this process, everything at once or one after the other."""
    parts: dict[str, float] = {}
    observe, carry_out = onboarding._observe, schedule.carry_out_tasks

    def timed(step: Any, run: Any) -> Any:
        started = time.perf_counter()
        try:
            return observe(step, run)
        finally:
            parts[f"look at {step.id}"] = time.perf_counter() - started

    def one_by_one(*jobs: Callable[[], Any]) -> list[Any]:
        return [job() for job in jobs]

    def in_a_row(tasks: Any, report: Any, stop: Any, begun: Any) -> Any:
        before = [(), *((task.id,) for task in tasks[:-1])]
        chained = [Task(task.id, (*task.after, *first), task.take) for task, first in zip(tasks, before, strict=True)]
        return carry_out(chained, report, stop, begun)

    out = io.StringIO()
    with ExitStack() as changed:
        changed.enter_context(patch.object(onboarding, "_observe", timed))
        if not at_once:
            changed.enter_context(patch.object(executor, "carry_out_tasks", in_a_row))
            users = [module for key, module in sys.modules.items() if key.startswith("generator")]
            for module in [user for user in users if getattr(user, "together", None) is looks.together]:
                changed.enter_context(patch.object(module, "together", one_by_one))
        started = time.perf_counter()
        code = _run(_arguments(name), JsonReporter(out))
        total = time.perf_counter() - started
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    if code:
        raise RuntimeError(out.getvalue())
    parts |= {event["id"]: event["elapsed_ms"] / 1000 for event in events if event["event"] == "step"}
    return Taken(total, parts)


def _arguments(name: str) -> list[str]:
    answers = Path(f"{name}.yml")
    answers.write_text(yaml.safe_dump({**RICH, "name": name}))
    places = ("--platform", os.environ["PROFILE"], "--infra", os.environ["CLONE"], "--service-dir", str(Path(name)))
    return ["create", "--answers", str(answers), *places, "--json"]


def child() -> None:
    """What the process of the command does: each line that it reads names a service, each that it writes is figures."""
    for line in sys.stdin:
        name, _, how = line.strip().partition(" ")
        taken = create(name, at_once=how != "in-a-row")
        sys.stdout.write(json.dumps({"total": taken.total, "critical": taken.critical}) + "\n")
        sys.stdout.flush()


def replay(sandbox: Sandbox, exchanges: list[Exchange]) -> float:
    """Seconds for the same requests one after the other, each on a connection of its own."""
    started = time.perf_counter()
    for exchange in exchanges:
        url = sandbox.urls[exchange.system]
        host = httpx.URL(url).host
        with httpx.Client(verify=False, trust_env=False) as client:
            request = client.build_request(
                exchange.method, f"https://127.0.0.1:{sandbox.port}{exchange.path}?{exchange.query}",
                headers={"Host": f"{host}:{sandbox.port}"}, content=b"" if exchange.is_write else None,
            )  # fmt: skip
            request.extensions["sni_hostname"] = host
            client.send(request)
    return time.perf_counter() - started


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as folder, Sandbox.start(Path(folder) / "platform", latency=LATENCY) as sandbox:
        work = Path(folder) / "work"
        work.mkdir()
        environ = {**os.environ, **sandbox.environment, "PROFILE": str(sandbox.profile), "CLONE": str(sandbox.infra)}
        environ |= {"PYTHONPATH": str(Path(__file__).parents[1]), "HOME": str(work)}
        with subprocess.Popen(
            [sys.executable, "-c", "from tests.speed import child; child()"],
            cwd=work, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            figures = [_round(process, sandbox, number) for number in range(ROUNDS + 1)][1:]  # the first one loads
            assert process.stdin is not None
            process.stdin.close()
    for title, ours, theirs in (
        ("full create / its critical path", "create", "critical"),
        ("full create / same requests in sequence, fresh", "create", "in sequence"),
        ("second create / first create", "second", "create"),
    ):
        mine, other = (sorted(item[key] for item in figures)[len(figures) // 2] for key in (ours, theirs))
        sys.stdout.write(f"{title:<48} {mine:6.3f} s / {other:6.3f} s = {mine / other:.2f}\n")


def _round(process: subprocess.Popen[str], sandbox: Sandbox, number: int) -> dict[str, float]:
    def ask(line: str) -> dict[str, float]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return dict(json.loads(process.stdout.readline()))

    slow = ask(f"slow-{number} in-a-row")
    sandbox.journal.clear()
    first = ask(f"quick-{number}")
    sandbox.forgejo.wait_for_mirrors()
    exchanges = list(sandbox.journal)
    second = ask(f"quick-{number}")
    return {
        "create": first["total"],
        "critical": slow["critical"],
        "second": second["total"],
        "in sequence": replay(sandbox, exchanges),
    }


if __name__ == "__main__":
    main()
