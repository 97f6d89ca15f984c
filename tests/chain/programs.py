"""Programs that stand in on a job's machine where the real ones need a network or a cluster; each call is noted.

Run as ``programs.py NAME ARGUMENT…``, by the scripts that :class:`tests.chain.machine.Machine` puts on PATH. It
imports the standard library alone: it starts dozens of times.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

HIDDEN = ("password", "token")


def note(program: str, **said: Any) -> None:
    """Append a call to the file that ``CHAIN_CALLS`` names."""
    with Path(os.environ["CHAIN_CALLS"]).open("a", encoding="utf-8") as calls:
        calls.write(json.dumps({"program": program, **said}) + "\n")


def chain_note(arguments: list[str]) -> int:
    """A marketplace action's inputs, secrets as hashes."""
    action, inputs = arguments[0], json.loads(arguments[1])
    hidden = {key: hashlib.sha256(inputs[key].encode()).hexdigest() for key in HIDDEN if key in inputs}
    note(action, inputs={**inputs, **hidden})
    return 0


def go(arguments: list[str]) -> int:
    """``go install PACKAGE@VERSION``: the stand-in of that name lands where the real one would be built."""
    note("go", arguments=arguments)
    found = re.fullmatch(r"\S+?/([a-z]+)(?:/v\d+)?@v[\d.]+", arguments[-1])
    source = Path(os.environ["CHAIN_STORE"]) / "go" / found[1] if found else None
    if arguments[0] != "install" or source is None or not source.exists():
        print(f"go: no stand-in for {arguments}", file=sys.stderr)  # noqa: T201 - a program's words
        return 1
    target = Path(os.environ["GOBIN"])
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    return 0


def svu(arguments: list[str]) -> int:
    """``svu current`` and ``svu next``, for the conventional commits that the tests make."""
    note("svu", arguments=arguments)
    described = _git("describe", "--tags", "--abbrev=0", "--match=v*")
    current = described or "v0.0.0"
    if arguments == ["next"]:
        subjects = _git("log", "--format=%s", f"{described}..HEAD" if described else "HEAD").splitlines()
        current = _following(current, subjects)
    print(current)  # noqa: T201 - a program's answer
    return 0


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def _following(version: str, subjects: list[str]) -> str:
    major, minor, patch = (int(part) for part in version.lstrip("v").split("."))
    if any(re.match(r"feat(\(.*\))?:", subject) for subject in subjects):
        return f"v{major}.{minor + 1}.0"
    if any(re.match(r"fix(\(.*\))?:", subject) for subject in subjects):
        return f"v{major}.{minor}.{patch + 1}"
    return version


def python(arguments: list[str]) -> int:
    """The tests' own Python; pip only looks whether the lock has what it was asked to install."""
    if arguments[:2] == ["-m", "pip"]:
        note("pip", arguments=arguments[2:])
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
        locked = re.findall(r"^(\S+)==", Path("requirements-dev.lock").read_text(encoding="utf-8"), re.MULTILINE)
        declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
        return 0 if {re.split(r"[\[<>=]", text)[0].lower() for text in declared} <= set(locked) else 1
    note("python", arguments=arguments)
    if arguments[:2] == ["-m", "pytest"]:
        os.environ["PYTHONPATH"] = str(Path(__file__).parent)
        arguments = [*arguments, "-p", "offline", "-p", "no:cacheprovider"]
    return _become(os.environ["CHAIN_PYTHON"], arguments)


def _become(program: str, arguments: list[str]) -> int:
    """Never comes back; the exit code is the program's."""
    os.execv(program, [program, *arguments])


def ruff(arguments: list[str]) -> int:
    """The tests' own ruff."""
    note("ruff", arguments=arguments)
    return _become(os.environ["CHAIN_RUFF"], arguments)


def sleep(arguments: list[str]) -> int:
    """No time passes."""
    note("sleep", arguments=arguments)
    return 0


def kubectl(arguments: list[str]) -> int:
    """A cluster that does everything, but what ``CHAIN_KUBECTL_FAILS`` names."""
    note("kubectl", arguments=arguments)
    failing = os.environ.get("CHAIN_KUBECTL_FAILS")
    if failing and failing in " ".join(arguments):
        print("error: timed out waiting for the condition", file=sys.stderr)  # noqa: T201 - a program's words
        return 1
    return 0


PROGRAMS: dict[str, Callable[[list[str]], int]] = {
    "chain-note": chain_note,
    "go": go,
    "kubectl": kubectl,
    "python": python,
    "ruff": ruff,
    "sleep": sleep,
    "svu": svu,
}

if __name__ == "__main__":
    sys.exit(PROGRAMS[sys.argv[1]](sys.argv[2:]))
