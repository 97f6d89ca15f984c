"""Runs git processes: their environment, and their failures as errors."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from generator.base.children import Ended, run
from generator.base.errors import NewserviceError, PreflightError, SystemFailure
from generator.base.secrets import masked_variables

# Whatever the user's configuration says: none of their programs run, and nothing that is stored is rewritten.
PLAIN = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "commit.gpgSign": "false",
}

_FIXED = {
    "LANGUAGE": "C",
    "LC_ALL": "C",  # failures are recognised by git's messages
    "GIT_OPTIONAL_LOCKS": "0",  # reading writes nothing: by default `git status` also refreshes the index
    "GIT_NO_LAZY_FETCH": "1",  # reading never fetches, with the clone's own settings and programs
    "GIT_NO_REPLACE_OBJECTS": "1",  # an object is what its id says, whatever replacement a clone defines
}


def configuration(settings: Mapping[str, str]) -> dict[str, str]:
    """Git configuration as environment variables, which override every file."""
    environment = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def local_environment(env: Mapping[str, str] | None = None, person: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for local git commands: the user's variables without secrets, ours, and ``env``."""
    return {**person, **masked_variables(person), **_FIXED, **configuration(PLAIN), **(env or {})}


def git_process(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    given: bytes = b"",
    longest: float | None = None,
) -> Ended:
    """Run git in a folder; returns its status and output. ``given`` is its input, ``longest`` its time limit (seconds).

    ``environment`` is its complete environment; by default that of ``local_environment``. Raises ``PreflightError`` if
    git is not installed, and ``SystemFailure`` if it can't be started.
    """
    chosen = local_environment() if environment is None else environment
    try:
        return run(["git", *arguments], folder, chosen, given, longest)
    except OSError as error:
        raise not_started(error, folder) from error


def run_git(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    given: bytes = b"",
    longest: float | None = None,
) -> str:
    """Run git as ``git_process`` does and return its output. Raises an error with git's message if it fails."""
    ended = git_process(folder, *arguments, environment=environment, given=given, longest=longest)
    if ended.late:
        late = f"git {arguments[0]} with {_place(folder, arguments)} took longer than {longest:g} seconds"
        raise SystemFailure("git.failed", late, "run the same command again")
    if ended.status:
        raise failure(folder, arguments, ended)
    return as_text(ended.out)


def as_text(output: bytes) -> str:
    """Git's output as text; bytes that are not UTF-8 are kept, so that a path still names its file."""
    return output.decode("utf-8", "surrogateescape")


def failure(folder: Path, arguments: Sequence[str], ended: Ended) -> NewserviceError:
    """The error for a git that failed, with git's message and git's own remedy if it names one."""
    said = words(ended)
    if "dubious ownership" in said:
        return PreflightError(
            "git.unsafe_repository",
            f"git does not work in {folder}, which belongs to another user: {said.partition(' To add ')[0]}",
            f"where that is right: {trust(folder)}",
        )
    return SystemFailure(
        "git.failed",
        f"git {arguments[0]} with {_place(folder, arguments)} failed: {said or 'it ' + ended.how}",
        "nothing is lost: correct what is named here and run the same command again",
    )


def words(ended: Ended) -> str:
    """Git's message about a failure, in one line. Of a long one both ends count: what it says last is why."""
    said = (ended.err + b"\n" + ended.out).decode("utf-8", "replace")
    line = " ".join(said.split())
    line = line if len(line) <= 500 else f"{line[:300]} ... {line[-195:]}"
    return f"{line} (it {ended.how})" if line and ended.status < 0 else line


def is_no_repository(ended: Ended) -> bool:
    """Whether git failed because no repository exists, not because it can't use the one that it found."""
    return b"not a git repository (or any" in ended.err


def trust(folder: Path) -> str:
    """The command that lets git work in a folder of another user."""
    return f"git config --global --add safe.directory {shlex.quote(str(folder))}"


def not_started(error: OSError, folder: Path) -> NewserviceError:
    """The error for a git that could not be started."""
    if isinstance(error, FileNotFoundError) and str(error.filename) != str(folder):
        return PreflightError("git.missing", "git was not found on this machine", "install git 2.39 or newer")
    return SystemFailure(
        "git.failed",
        f"git can't be started in {folder}: {error.strerror or error}",
        "correct that, then run the same command again",
    )


def _place(folder: Path, arguments: Sequence[str]) -> str:
    return next((argument for argument in arguments if argument.startswith("https://")), str(folder))
