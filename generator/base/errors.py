"""Every error that newservice raises on purpose: what happened, where, and what to do next.

The exit codes are those that scripts rely on; ``docs/reference/exit-codes.md`` lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """Process exit codes of the ``newservice`` command."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    PREFLIGHT = 3
    REFUSED = 4
    SYSTEM = 5
    CONFLICT = 6
    NOT_ALIVE = 7
    FINDINGS = 8
    INTERRUPTED = 130


class NewserviceError(Exception):
    """A failure with a stable code, a message, and the way out.

    ``code`` is dotted and stable (``forgejo.unreachable``); ``message`` says what happened and where;
    ``hint`` says what to do next. Neither may hold a secret.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(NewserviceError):
    """The request itself is wrong; nothing was written."""

    exit_code = ExitCode.USAGE


class PreflightError(NewserviceError):
    """A tool, credential, scope or system is missing; nothing was written."""

    exit_code = ExitCode.PREFLIGHT


class RefusedError(NewserviceError):
    """Going on could harm something that is not ours."""

    exit_code = ExitCode.REFUSED


class UnreadableError(RefusedError):
    """There is no answers file, or it does not say what is needed."""


class SystemFailure(NewserviceError):  # noqa: N818 - "failure" is what the interface calls it
    """An outside system failed on the way; the same command continues later.

    ``passing``: it may heal by itself, so that looking again and trying again makes sense. ``undone``: the system
    surely did nothing, so that the same request may simply be sent again. ``after``: seconds that it asked to wait.
    """

    exit_code = ExitCode.SYSTEM

    def __init__(
        self, code: str, message: str, hint: str = "", *, passing: bool = False, undone: bool = False, after: float = 0
    ) -> None:
        super().__init__(code, message, hint)
        self.passing = passing
        self.undone = undone
        self.after = after


class NotAliveError(NewserviceError):
    """A service exists and is not as it should be."""

    exit_code = ExitCode.NOT_ALIVE


def unwritable(error: OSError) -> PreflightError:
    """The error where this machine does not let us write or open what has to be: full, read-only, or not allowed."""
    where = f"{error.filename}: " if error.filename else ""
    return PreflightError(
        "machine.files",
        f"{where}{error.strerror or error}",
        "free space there, or name a folder that can be written (TMPDIR for temporary files)",
    )


@dataclass(frozen=True)
class Problem:
    """One wrong or missing answer."""

    code: str
    question: str
    message: str
    hint: str = ""
    choices: tuple[str, ...] | None = None


class AnswersError(UsageError):
    """All wrong and missing answers of one request, together."""

    def __init__(self, problems: list[Problem]) -> None:
        count = len(problems)
        super().__init__(
            "answers.invalid",
            f"{count} answer{'s' if count != 1 else ''} to correct",
            "nothing was written; correct them and run the same command again",
        )
        self.problems = problems
        if any(problem.code == "answer.protected" for problem in problems):
            self.exit_code = ExitCode.REFUSED
