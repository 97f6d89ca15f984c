"""The ``newservice`` command: one file for each subcommand, one place where errors become exit codes.

May import everything but mcp, which it finds by name.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from generator import __version__
from generator.base.children import end_all
from generator.base.errors import ExitCode, NewserviceError, UsageError
from generator.base.stopping import held, ignore_signals, interrupt_on_signals
from generator.cli.commands import COMMANDS, Commands, invoke
from generator.cli.streams import exit_code, open_streams

if TYPE_CHECKING:
    from generator.cli.report import Reporter


@click.group(
    cls=Commands,
    subcommand_metavar="[COMMAND] [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="newservice")
def group() -> None:
    """From a few answers to a service that is really there: repository, CI, infrastructure, registrations.

    Without a command: create, interactive.
    """


# Set inside of git hooks and aliases, and then every git command would work on that repository instead of ours, or with
# its settings: those that `git rev-parse --local-env-vars` names. Git on the network gets listed variables only.
_REPOSITORY_VARIABLES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and end the process with the interface's exit code."""
    open_streams()
    if "_NEWSERVICE_COMPLETE" in os.environ:  # a shell asks, at every press of a key
        from generator.cli.completion import answer_shell

        sys.exit(answer_shell())
    arguments = sys.argv[1:] if arguments is None else arguments
    for name in _REPOSITORY_VARIABLES:
        os.environ.pop(name, None)
    reporter: Reporter | None = None
    interrupt_on_signals(lambda: reporter is not None and reporter.ending)
    try:
        with held():
            reporter = _reporter(arguments)
        code = _run(arguments, reporter)
    except KeyboardInterrupt as error:  # before the command has begun, or when it was through already
        reporter = reporter or _reporter(arguments)
        code = _last_words(reporter, error)
    end_all()
    code = exit_code(code)
    ignore_signals()
    sys.exit(int(code))


def _reporter(arguments: list[str]) -> Reporter:
    """Chosen before anything is parsed, so that a wrong flag is reported in the asked form too."""
    if "--json" in arguments:
        from generator.cli.json_lines import JsonReporter

        return JsonReporter()
    from generator.cli.text import TextReporter

    out = sys.stderr if arguments[:1] == ["mcp"] else sys.stdout  # which carries that protocol, and nothing else
    return TextReporter(quiet="--quiet" in arguments, verbose="--verbose" in arguments, out=out)


def _run(arguments: list[str], reporter: Reporter) -> ExitCode:
    """Run a command line. Whatever happens, it ends with a message and a result."""
    try:
        code = invoke(group, arguments, reporter)
        reporter.ending = True
    except BaseException as error:  # noqa: BLE001 - the one place where what went wrong becomes words and an exit code
        reporter.ending = True
        code = _last_words(reporter, error)
    return code


def _last_words(reporter: Reporter, error: BaseException) -> ExitCode:
    """Report what ended a command, unless its result was reported before."""
    reporter.ending = True
    if isinstance(error, click.exceptions.Exit):
        return ExitCode(error.exit_code)
    if reporter.concluded is not None:
        return _afterwards(reporter.concluded, error)
    if isinstance(error, click.Abort | EOFError):  # a person said no, or ended the input
        return _stopped(reporter, "stopped")
    if _is_interruption(error):
        if isinstance(error, NewserviceError):
            reporter.error(error)
        return _stopped(reporter, "interrupted", "run the same command again")
    if isinstance(error, click.ClickException):
        return _fail(reporter, UsageError("usage", error.format_message(), _way_out(error)))
    from generator.cli.faults import as_told

    return _fail(reporter, as_told(error))


def _afterwards(code: ExitCode, error: BaseException) -> ExitCode:
    """The exit code stays what the result says; a fault on the way out is reported beside it."""
    if not _is_interruption(error):
        from generator.cli.faults import as_told
        from generator.cli.text import TextReporter

        TextReporter().error(as_told(error))
    return code


def _is_interruption(error: BaseException | None) -> bool:
    """Whether it is one, or what went wrong on the way out after one."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _stopped(reporter: Reporter, what: str, *following: str) -> ExitCode:
    from generator.cli.report import Result

    status, left = ("partial", "what was done stays") if reporter.wrote else ("refused", "nothing was written")
    reporter.result(Result(status, ExitCode.INTERRUPTED, reporter.service, next=following, closing=f"{what}; {left}"))
    return ExitCode.INTERRUPTED


def _way_out(error: click.ClickException) -> str:
    """What to do about a wrong flag or command: the one that is nearest, and where all of them are told."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "newservice"
    asked, known = getattr(error, "command_name", ""), getattr(error, "possibilities", None)
    if asked and not known:
        from difflib import get_close_matches

        known = get_close_matches(asked, COMMANDS)
    near = f"did you mean {known[0]}? " if known else ""
    return f"{near}see `{path} --help`"


def _fail(reporter: Reporter, error: NewserviceError) -> ExitCode:
    from generator.cli.report import Result

    reporter.error(error)
    status = "partial" if reporter.wrote else "refused" if error.exit_code is ExitCode.REFUSED else "error"
    reporter.result(Result(status, error.exit_code, reporter.service))
    return error.exit_code
