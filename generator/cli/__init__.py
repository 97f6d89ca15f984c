"""The ``newservice`` command: one file for each subcommand, one place where errors become exit codes.

May import everything but mcp, which it finds by name.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from generator import __version__
from generator.base.errors import ExitCode, NewserviceError, UsageError
from generator.cli.commands import COMMANDS, Commands

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
    if "_NEWSERVICE_COMPLETE" in os.environ:  # a shell asks, at every press of a key
        from generator.cli.completion import answer_shell

        sys.exit(answer_shell())
    arguments = sys.argv[1:] if arguments is None else arguments
    for name in _REPOSITORY_VARIABLES:
        os.environ.pop(name, None)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(int(_run(arguments, _reporter(arguments))))


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """A polite request to end is an interruption: what was done is told, nothing half-made stays."""
    raise KeyboardInterrupt


def _reporter(arguments: list[str]) -> Reporter:
    """Chosen before anything is parsed, so that a wrong flag is reported in the asked form too."""
    if "--json" in arguments:
        from generator.cli.json_lines import JsonReporter

        return JsonReporter()
    from generator.cli.text import TextReporter

    return TextReporter(quiet="--quiet" in arguments, verbose="--verbose" in arguments)


def _run(arguments: list[str], reporter: Reporter) -> ExitCode:
    try:
        code = group.main(arguments, prog_name="newservice", standalone_mode=False, obj=reporter)
        return ExitCode(code or 0)
    except click.exceptions.Exit as error:
        return ExitCode(error.exit_code)
    except click.ClickException as error:
        return _fail(reporter, UsageError("usage", error.format_message(), _way_out(error)))
    except NewserviceError as error:
        return _fail(reporter, error)
    except (KeyboardInterrupt, click.Abort):
        from generator.cli.report import Result

        status = "partial" if reporter.wrote else "refused"
        reporter.result(Result(status, ExitCode.INTERRUPTED, reporter.service))
        return ExitCode.INTERRUPTED
    except SystemExit:  # click's own answer when the reader of our output has gone away
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place where a fault of ours becomes exit code 1
        from generator.cli.faults import as_told

        return _fail(reporter, as_told(error))


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
    status = "refused" if error.exit_code is ExitCode.REFUSED else "error"
    reporter.result(Result(status, error.exit_code, reporter.service))
    return error.exit_code
