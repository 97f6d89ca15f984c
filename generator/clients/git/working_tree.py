"""Compares the files of a working tree with what git stores, for which no filter of the person's ever runs.

Line endings and encodings count as git's settings and the attributes say: git converts them by itself. A filter
(git-crypt, LFS) is a program, and here every configured one is off: git takes a file's bytes as they are. Of a file
that a filter covers only git's note of its size and times says that it is unchanged; where that does not, it may have
been changed, or only touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from generator.clients.git.process import as_text, failure, git_process, local_environment, run_git
from generator.infra_repo.fingerprints import EXECUTABLE

_CONTENT = "M"
"""What ``git status`` calls a file that is not as in the index: the only verdict that needs a filter."""

_NO_FILTER = ("unspecified", "unset", "set")


def uncommitted(checkout: Path, paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that have changes which are not committed; empty if ``checkout`` is not a working tree.

    A file whose filter would have to say whether it has changed is not among them: see ``filtered``. Raises
    ``SystemFailure`` with git's message if it fails, ``PreflightError`` if git is not installed.
    """
    wanted = list(paths)
    if not wanted or not (checkout / ".git").exists():
        return []
    drivers = _drivers(checkout)
    options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=dirty")
    environment = unfiltered(checkout, drivers)
    output = run_git(checkout, "status", *options, "--", *wanted, environment=environment)
    found = [(entry[:2], entry[3:]) for entry in output.split("\0") if entry]
    doubtful = [path for state, path in found if state == f" {_CONTENT}"] if drivers else []
    covered = {path for path, name in filtered(checkout, doubtful).items() if drivers.get(name)}
    return [path for state, path in found if path not in covered]


def staged_executables(checkout: Path) -> frozenset[str] | None:
    """The paths below ``checkout`` that are executable in its index, where git goes by that alone (``core.fileMode``).

    None where git goes by the files' own bits, or ``checkout`` is not a working tree. Raises as ``uncommitted`` does.
    """
    if not (checkout / ".git").exists():
        return None
    asked = git_process(checkout, "config", "--type=bool", "--get", "core.fileMode")
    if asked.out.strip() != b"false":
        return None
    entries = run_git(checkout, "ls-files", "--stage", "-z").split("\0")
    return frozenset(entry.partition("\t")[2] for entry in entries if entry.startswith(EXECUTABLE))


def filtered(checkout: Path, paths: Iterable[str]) -> dict[str, str]:
    """Those of ``paths`` for which the attributes of the working tree name a filter, and its name.

    Whether or not it is configured: git has what the filter makes of such a file, on every machine that has it.
    Raises the same as ``uncommitted``.
    """
    wanted = list(paths)
    if not wanted or not (checkout / ".git").exists():
        return {}
    given = b"".join(os.fsencode(path) + b"\0" for path in wanted)
    output = run_git(checkout, "check-attr", "-z", "--stdin", "filter", given=given).split("\0")
    found = zip(output[::3], output[2::3], strict=False)
    return {path: name for path, name in found if name not in _NO_FILTER}


def unfiltered(checkout: Path, drivers: Iterable[str] | None = None) -> dict[str, str]:
    """The environment for a command that compares or writes a working tree: every configured filter is off."""
    off = {"clean": "", "smudge": "", "process": "", "required": "false"}
    names = _drivers(checkout) if drivers is None else drivers
    settings = {f"filter.{name}.{key}": value for name in names for key, value in off.items()}
    return local_environment({"GIT_WORK_TREE": str(checkout.absolute())}, settings=settings)


def _drivers(checkout: Path) -> dict[str, bool]:
    """The filters that the configuration names, and whether each converts what git stores.

    A name may be empty (``[filter ""]``), and git uses that filter, too.
    """
    command = ("config", "-z", "--get-regexp", r"^filter\.")
    ended = git_process(checkout, *command)
    if ended.status not in (0, 1):
        raise failure(checkout, command, ended)
    settings = dict(setting.partition("\n")[::2] for setting in as_text(ended.out).split("\0"))
    named = [key.removeprefix("filter.").rpartition(".") for key in settings]
    return {
        name: any(settings.get(f"filter.{name}.{key}") for key in ("clean", "process")) for name, dot, _ in named if dot
    }
