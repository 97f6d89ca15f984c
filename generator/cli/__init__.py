"""The ``newservice`` command: one file for each subcommand, one place where errors become exit codes.

May import everything but mcp, which it finds by name.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING

from generator.base.errors import ExitCode
from generator.base.stopping import held, ignore_signals, interrupt_on_signals
from generator.cli.runner import report_end, reporter_for, run_command
from generator.cli.streams import exit_code, open_streams

if TYPE_CHECKING:
    from generator.cli.report import Reporter

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
    codes: list[int] = []
    atexit.register(_end_despite_threads, codes)  # the first to be registered runs last
    open_streams()
    if "_NEWSERVICE_COMPLETE" in os.environ:  # a shell asks, at every press of a key
        from generator.cli.completion import answer_shell

        sys.exit(exit_code(ExitCode(answer_shell())))
    arguments = sys.argv[1:] if arguments is None else arguments
    for name in _REPOSITORY_VARIABLES:
        os.environ.pop(name, None)
    reporter: Reporter | None = None
    interrupt_on_signals(lambda: reporter is not None and reporter.ending)
    try:
        with held():
            reporter = reporter_for(arguments)
        code = run_command(arguments, reporter)
    except KeyboardInterrupt as error:  # before the command has begun, or when it was through already
        reporter = reporter or reporter_for(arguments)
        code = report_end(reporter, error)
    if "generator.base.children" in sys.modules:  # else nothing was started
        from generator.base.children import end_all

        end_all()
    code = exit_code(code)
    ignore_signals()
    codes.append(int(code))
    sys.exit(int(code))


def _end_despite_threads(codes: list[int]) -> None:
    """End the process here where threads still run: an interruption leaves those behind that wait for a system.

    Python before 3.14 ends them by force while it shuts down, and now and then that aborts the process (SIGABRT).
    """
    if codes and threading.active_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(codes[0])
