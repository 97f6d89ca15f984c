"""Runs git processes: their environment, which settings count in it, and their failures as errors."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from generator.base.children import Ended, run
from generator.base.errors import NewserviceError, PreflightError, SystemFailure
from generator.base.secrets import masked_variables

# Settings that do not count, whatever the configuration of the person, the machine or the clone says; all others do:
# whose clones are safe, who commits, how a working tree's line endings and encodings are stored.
PLAIN = {
    # Programs. Filters (filter.*) are named by each configuration: see `generator.clients.git.working_tree`. Merge
    # drivers (merge.*), textconv and external diffs (diff.*) are not in play: nothing here merges in a clone or shows
    # a diff. Pagers, editors and aliases neither: output is no terminal, messages are given, commands are built in.
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "log.showSignature": "false",  # gpg.program, for each commit that is listed
    "commit.gpgSign": "false",
    "submodule.recurse": "false",  # a git in a submodule has the submodule's settings, and not these
    "i18n.commitEncoding": "utf-8",  # as messages are written
    "i18n.logOutputEncoding": "utf-8",  # and read
}

_FIXED = {
    "LANGUAGE": "C",
    "LC_ALL": "C",  # failures are recognised by git's messages
    "GIT_OPTIONAL_LOCKS": "0",  # reading writes nothing: by default `git status` also refreshes the index
    "GIT_NO_LAZY_FETCH": "1",  # reading never fetches, with the clone's own settings and programs
    "GIT_ALLOW_PROTOCOL": "none",  # the same for a git before 2.44, which does not know that variable
    "GIT_NO_REPLACE_OBJECTS": "1",  # an object is what its id says, whatever replacement a clone defines
    "GIT_GRAFT_FILE": f"{os.devnull}/none",  # and a commit has the parents that it names
    "GIT_LITERAL_PATHSPECS": "1",  # a path is that path, whatever characters are in it
}

_KEPT = frozenset(
    {
        *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_ATTR_NOSYSTEM"),
        *(f"GIT_{role}_{field}" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")),
        *("GIT_EXEC_PATH", "GIT_DISCOVERY_ACROSS_FILESYSTEM"),
        "GIT_TEST_ASSUME_DIFFERENT_OWNER",  # what git's own tests use, and ours
    }
)
"""The variables of git that count: where the person's settings and git's programs are, and who commits.

No others: a hook, an alias or an editor that starts newservice sets those of its own repository (``GIT_DIR``,
``GIT_INDEX_FILE``, ``GIT_CONFIG_PARAMETERS``...), and some choose what a new repository is like (``GIT_DEFAULT_HASH``,
``GIT_TEMPLATE_DIR``...). Settings in ``GIT_CONFIG_COUNT`` are the person's and count as those of a file do."""

LONGEST_SECONDS = 120.0
"""How long a git command on this machine may take: it waits without end for a pipe in the place of a file."""

_QUICK_SECONDS = 20.0
_QUICK = frozenset({"config", "var", "rev-parse", "symbolic-ref", "check-attr"})
"""Commands that read hardly more than settings and attributes, within ``_QUICK_SECONDS``: one of them comes first."""

_own: set[str] = set()
"""Repositories that this process made: git works in them although their file system may name another owner."""


def configuration(settings: Mapping[str, str], before: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Git configuration as environment variables, which override every file; ``before`` are settings to come first."""
    pairs = [*before, *settings.items()]
    environment = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for index, (key, value) in enumerate(pairs):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def local_environment(
    env: Mapping[str, str] | None = None,
    person: Mapping[str, str] = os.environ,
    settings: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The environment for local git commands: the person's variables that count, without secrets; ours; and ``env``.

    ``settings`` are added to the configuration that overrides every file.
    """
    masked = {**person, **masked_variables(person)}
    kept = {name: value for name, value in masked.items() if name in _KEPT or not name.startswith("GIT_")}
    trusted = [("safe.directory", folder) for folder in tuple(_own)]
    before = [*_given(masked), *trusted]
    return {**kept, **_FIXED, **configuration({**PLAIN, **(settings or {})}, before), **(env or {})}


def isolated_environment(env: Mapping[str, str], settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The same where no setting and no attribute of the person or the machine counts: only ``env`` and ``settings``."""
    person = {name: value for name, value in os.environ.items() if not name.startswith("GIT_CONFIG")}
    files = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1"}
    nothing = {"core.attributesFile": os.devnull}
    return local_environment({**files, **env}, person, {**nothing, **(settings or {})})


def trust_own(folder: Path) -> None:
    """Let git work in a repository that this process made, whoever owns its files there."""
    _own.add(os.path.realpath(folder))


def init(folder: Path, *options: str) -> None:
    """Make an empty repository in a folder.

    Hooks would come from a template, and what else a person prefers for new repositories (object format, storage of
    references, branch) is not what the forge has.
    """
    chosen = ("--quiet", "--template=", "--object-format=sha1", *options)
    run_git(folder, "init", *chosen, environment=isolated_environment({}))
    trust_own(folder)


def _given(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The settings that the person's environment holds, as far as they are complete."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    for index in range(int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0):
        key, value = (environ.get(f"GIT_CONFIG_{part}_{index}") for part in ("KEY", "VALUE"))
        if key and value is not None:
            yield key, value


def git_process(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    given: bytes = b"",
    longest: float | None = None,
) -> Ended:
    """Run git in a folder; returns its status and output. ``given`` is its input, ``longest`` its time limit (seconds),
    by default ``LONGEST_SECONDS`` or less: a git that takes longer than this is an error here.

    ``environment`` is its complete environment; by default that of ``local_environment``. Raises ``PreflightError`` if
    git is not installed, and ``SystemFailure`` if it can't be started, or takes too long.
    """
    chosen = local_environment() if environment is None else environment
    try:
        usual = _QUICK_SECONDS if arguments[0] in _QUICK else LONGEST_SECONDS
        ended = run(["git", *arguments], folder, chosen, given, usual if longest is None else longest)
    except OSError as error:
        raise not_started(error, folder) from error
    if ended.late and longest is None:
        raise _stuck(folder, arguments)
    return ended


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


def _stuck(folder: Path, arguments: Sequence[str]) -> SystemFailure:
    return SystemFailure(
        "git.failed",
        f"git {arguments[0]} with {_place(folder, arguments)} took too long, and was ended",
        "git waits where a file that it reads is a pipe, or on a file system that does not answer: look at "
        "~/.gitconfig, what its include.path names, and .git and .gitattributes in that folder",
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
