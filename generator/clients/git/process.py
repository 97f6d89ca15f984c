"""Git's processes: what they are told of the world, and their failures as errors."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from generator.base.errors import PreflightError, SystemFailure
from generator.base.lazy_import import lazily
from generator.base.secrets import masked_variables

if TYPE_CHECKING:
    import git
else:
    git = lazily("git")

# Whatever the person's configuration says: no program of theirs, no rewriting of what is stored.
PLAIN = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.autocrlf": "false",
    "commit.gpgSign": "false",
}


# Looking at a working tree writes nothing: by itself `git status` would refresh the index on the way.
ONLY_LOOKING = {"GIT_OPTIONAL_LOCKS": "0"}


def configuration(settings: Mapping[str, str]) -> dict[str, str]:
    """Configuration by environment, which wins over every file."""
    environment = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def no_git() -> PreflightError:
    """The error for a machine without git."""
    return PreflightError("git.missing", "git was not found on this machine", "install git 2.39 or newer")


def run_git(
    caller: git.Git,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    istream: BytesIO | None = None,
    longest: float | None = None,
) -> str:
    """What git says. ``env`` is added to its environment, ``istream`` is what it reads, ``longest`` ends it (seconds).

    Raises ``SystemFailure`` with git's own words when it fails, ``PreflightError`` where there is no git.
    """
    stream = None
    if istream is not None:
        # A real file: GitPython hands the stream to the child as it is.
        stream = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        stream.write(istream.getvalue())
        stream.seek(0)
    try:
        told = caller.execute(
            ["git", *arguments],
            istream=stream,
            env={**masked_variables(os.environ), **ONLY_LOOKING, **(env or {})},
            strip_newline_in_stdout=False,
            kill_after_timeout=longest,
        )
    except git.GitCommandNotFound as error:
        raise no_git() from error
    except git.GitCommandError as error:
        said = str(error.stderr).replace("stderr:", "") + str(error.stdout).replace("stdout:", "")
        told = " ".join(said.replace("'", "").split())[:500]
        place = next((argument for argument in arguments if argument.startswith("https://")), caller.working_dir)
        raise SystemFailure(
            "git.failed",
            f"git {arguments[0]} with {place} failed: {told or f'status {error.status}'}",
            "nothing is lost: mend what is named here and run the same command again",
        ) from None
    finally:
        if stream is not None:
            stream.close()
    return str(told)
