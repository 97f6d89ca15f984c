"""Git's processes: what they see of the world, and their failures as errors."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from generator.base.children import Ended, run
from generator.base.errors import NewserviceError, PreflightError, SystemFailure
from generator.base.secrets import masked_variables

# Whatever the person's configuration says: no program of theirs, no rewriting of what is stored.
PLAIN = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "commit.gpgSign": "false",
}

_FIXED = {
    "LANGUAGE": "C",
    "LC_ALL": "C",  # failures are recognised by git's own words
    "GIT_OPTIONAL_LOCKS": "0",  # looking writes nothing: by itself `git status` would refresh the index on the way
    "GIT_NO_LAZY_FETCH": "1",  # reading never fetches, with the clone's own settings and programs
    "GIT_NO_REPLACE_OBJECTS": "1",  # an object is what its id says, whatever a clone has put in its place
}


def configuration(settings: Mapping[str, str]) -> dict[str, str]:
    """Configuration by environment, which wins over every file."""
    environment = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def local_environment(env: Mapping[str, str] | None = None, person: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The whole environment of a git that works on this machine only: the person's, ours, and ``env``; no secret."""
    return {**person, **masked_variables(person), **_FIXED, **configuration(PLAIN), **(env or {})}


def git_process(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    given: bytes = b"",
    longest: float | None = None,
) -> Ended:
    """Run git in a folder: how it ended, and what it said. ``given`` is what it reads; ``longest`` ends it (seconds).

    ``environment`` is the whole of what it sees; by default that of a git that works on this machine only. Raises
    ``PreflightError`` where there is no git, and ``SystemFailure`` where it can't be started.
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
    """What git says, run in the same way. Raises with git's own words when it fails."""
    ended = git_process(folder, *arguments, environment=environment, given=given, longest=longest)
    if ended.late:
        late = f"git {arguments[0]} with {_place(folder, arguments)} took longer than {longest:g} seconds"
        raise SystemFailure("git.failed", late, "run the same command again")
    if ended.status:
        raise failure(folder, arguments, ended)
    return as_text(ended.out)


def as_text(output: bytes) -> str:
    """What git wrote; bytes that are no text are kept, so that a path leads back to its file."""
    return output.decode("utf-8", "surrogateescape")


def failure(folder: Path, arguments: Sequence[str], ended: Ended) -> NewserviceError:
    """The error for a git that failed, with its own words and git's own remedy where it names one."""
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
    """What git said of a failure, in one line."""
    said = (ended.err + b"\n" + ended.out).decode("utf-8", "replace")
    line = " ".join(said.split())[:500]
    return f"{line} (it {ended.how})" if line and ended.status < 0 else line


def is_no_repository(ended: Ended) -> bool:
    """Whether git failed because there is no repository, and not because it can't use the one that it found."""
    return b"not a git repository (or any" in ended.err


def trust(folder: Path) -> str:
    """The command that lets git work in a folder of another user's."""
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
