"""Runs a command line in this process: for the ``newservice`` command, the MCP server, the documentation and tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from generator.base.errors import ExitCode, NewserviceError, UsageError
from generator.cli.commands import COMMANDS, group, invoke

if TYPE_CHECKING:
    from generator.cli.report import Reporter


def run_command(arguments: Sequence[str], reporter: Reporter | None = None) -> ExitCode:
    """Run a command line and return its exit code. Raises nothing: every end is reported, with a message and a result.

    Without a reporter, the one that the arguments ask for reports on standard output.
    """
    reporter = reporter or reporter_for(arguments)
    try:
        code = invoke(group, arguments, reporter)
        reporter.ending = True
    except BaseException as error:  # noqa: BLE001 - the one place where what went wrong becomes words and an exit code
        code = report_end(reporter, error)
    return code


def reporter_for(arguments: Sequence[str]) -> Reporter:
    """The reporter for a command line, chosen before it is parsed: a wrong flag is reported in that form too."""
    if "--json" in arguments:
        from generator.cli.json_lines import JsonReporter

        return JsonReporter()
    from generator.cli.text import TextReporter

    out = sys.stderr if list(arguments[:1]) == ["mcp"] else sys.stdout  # mcp's standard output carries its protocol
    return TextReporter(quiet="--quiet" in arguments, verbose="--verbose" in arguments, out=out)


def report_end(reporter: Reporter, error: BaseException) -> ExitCode:
    """Report the exception that ended a command, unless its result was reported before; return the exit code."""
    reporter.ending = True
    if isinstance(error, click.exceptions.Exit):
        return ExitCode(error.exit_code)
    if reporter.concluded is not None:
        return _afterwards(reporter.concluded, error)
    if isinstance(error, click.Abort | EOFError):  # a person said no, or ended the input
        return _stopped(reporter)
    if _is_interruption(error):
        if isinstance(error, NewserviceError):
            reporter.error(error)
        return _stopped(reporter, "run the same command again")
    if isinstance(error, click.ClickException):
        return report_failure(reporter, UsageError("usage", error.format_message(), _way_out(error)))
    from generator.cli.faults import as_reported

    return report_failure(reporter, as_reported(error))


def report_failure(reporter: Reporter, error: NewserviceError) -> ExitCode:
    """Report an error and the result that follows from it; return the exit code."""
    from generator.cli.report import Result

    reporter.error(error)
    status = "partial" if reporter.wrote else "refused" if error.exit_code is ExitCode.REFUSED else "error"
    reporter.result(Result(status, error.exit_code, reporter.service))
    return error.exit_code


def _afterwards(code: ExitCode, error: BaseException) -> ExitCode:
    """The exit code stays what the result says; a fault on the way out is reported beside it."""
    if not _is_interruption(error):
        from generator.cli.faults import as_reported
        from generator.cli.text import TextReporter

        TextReporter().error(as_reported(error))
    return code


def _is_interruption(error: BaseException | None) -> bool:
    """Whether the error is an interruption, or followed from one on the way out."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _stopped(reporter: Reporter, *following: str) -> ExitCode:
    from generator.cli.report import Result

    status, left = ("partial", "what was done stays") if reporter.wrote else ("refused", "nothing was written")
    reporter.result(Result(status, ExitCode.INTERRUPTED, reporter.service, next=following, closing=f"stopped; {left}"))
    return ExitCode.INTERRUPTED


def _way_out(error: click.ClickException) -> str:
    """What to do about a wrong flag or command: the nearest one, and where all of them are listed."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "newservice"
    asked, known = getattr(error, "command_name", ""), getattr(error, "possibilities", None)
    if asked and not known:
        from difflib import get_close_matches

        known = get_close_matches(asked, COMMANDS)
    near = f"did you mean {known[0]}? " if known else ""
    return f"{near}see `{path} --help`"
