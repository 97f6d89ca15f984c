"""Git's processes: what they see of the world, and their failures as errors."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from generator.base.errors import PreflightError, SystemFailure
from generator.base.secrets import masked_variables, passed_on

# Whatever the person's configuration says: no program of theirs, no rewriting of what is stored.
PLAIN = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "commit.gpgSign": "false",
}

# Looking at a working tree writes nothing: by itself `git status` would refresh the index on the way. And an object
# is what its id says, whatever a clone has put in its place.
_AS_IT_IS = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}


@dataclass(frozen=True)
class Ended:
    """How a git process ended: its status, and what it wrote."""

    status: int
    out: bytes
    err: bytes


def configuration(settings: Mapping[str, str]) -> dict[str, str]:
    """Configuration by environment, which wins over every file."""
    environment = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def local_variables() -> dict[str, str]:
    """What a git that works on this machine only sees in place of the person's variables: no secret, no program."""
    return {**masked_variables(os.environ), **_AS_IT_IS, **configuration(PLAIN)}


def local_environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a git that works on this machine only: the person's with our variables, and ``env``."""
    return {**os.environ, "LANGUAGE": "C", "LC_ALL": "C", **local_variables(), **(env or {})}


def no_git() -> PreflightError:
    """The error for a machine without git."""
    return PreflightError("git.missing", "git was not found on this machine", "install git 2.39 or newer")


def start_git(
    folder: Path | str,
    *arguments: str,
    environment: Mapping[str, str],
    data: bytes | None = None,
    longest: float | None = None,
) -> Ended:
    """Run git in a folder with exactly this environment. ``data`` is what it reads; ``longest`` ends it (seconds).

    Raises ``PreflightError`` where there is no git, ``SystemFailure`` where the folder has gone.
    """
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as error:
        if error.filename == "git":
            raise no_git() from error
        raise SystemFailure("git.failed", f"{folder} does not exist any more", "run the same command again") from error
    with process:
        try:
            out, err = process.communicate(data, timeout=longest)
        except subprocess.TimeoutExpired:
            _end(process.pid)
            return Ended(-SIGKILL, b"", f"it did not end within {longest:g} seconds".encode())
        except BaseException:
            _end(process.pid)
            raise
    return Ended(process.returncode, out, err)


def run_git(
    folder: Path | str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    data: bytes | None = None,
    longest: float | None = None,
) -> str:
    """What git writes; as ``start_git``, with the environment of a git that works on this machine only.

    Raises ``SystemFailure`` with git's own words when it fails, ``PreflightError`` where there is no git.
    """
    chosen = local_environment() if environment is None else environment
    ended = start_git(folder, *arguments, environment=chosen, data=data, longest=longest)
    if ended.status == 0:
        return as_text(ended.out)
    said = " ".join(as_text(ended.err + b" " + ended.out).replace("'", "").split())[:500]
    place = next((argument for argument in arguments if argument.startswith("https://")), folder)
    raise SystemFailure(
        "git.failed",
        f"git {arguments[0]} with {place} failed: {said or f'status {ended.status}'}",
        "nothing is lost: fix what is named here and run the same command again",
    )


def as_text(output: bytes) -> str:
    """What git wrote; bytes that are no text are kept, so that a path leads back to its file."""
    return output.decode("utf-8", "surrogateescape")


def _end(pid: int) -> None:
    """End a process and what it started: a helper left alone could wait for its parent for ever, with a token."""
    family, listed = [pid], b""
    with suppress(OSError, subprocess.SubprocessError):
        command = ["ps", "-A", "-o", "pid=", "-o", "ppid="]
        listed = subprocess.run(command, env=passed_on(os.environ, {"PATH"}), capture_output=True, timeout=10).stdout
    pairs = [(int(child), int(parent)) for child, parent in (line.split() for line in listed.splitlines())]
    for member in family:
        family += [child for child, parent in pairs if parent == member]
    for member in family:
        with suppress(ProcessLookupError):
            os.kill(member, SIGKILL)
