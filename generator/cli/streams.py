"""This process's own standard output and error, and what happens to a command whose output nobody reads.

A reader that has gone away, or a full disk, is no reason to stop in the middle of the work: what can't be written is
dropped, here and nowhere else, and decides about the exit code at the end. A broken pipe that is met anywhere else is
therefore that of a program we started, or of a system.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import Any, TextIO

from generator.base.errors import ExitCode

_GONE = (errno.EPIPE, errno.EIO, errno.ECONNRESET)
"""What writing fails with when the reader has gone: a pipe, a terminal that was closed, a socket."""


class _Output(io.FileIO):
    """A stream that remembers its first failure, and drops what comes after it."""

    failure: OSError | None = None

    def write(self, content: Any, /) -> int:
        """Write, or drop. A reader that is slow, on a stream that does not block, is waited for."""
        if self.failure is not None:
            return len(content)
        try:
            while (written := super().write(content)) is None:
                select.select((), (self,), ())
        except OSError as error:
            self.failure = error
            return len(content)
        return written


def open_streams() -> None:
    """Give this process standard streams that can be closed, broken or full without a trace.

    A stream that was closed before we began is replaced: a file that is opened later would get its number. Nothing can
    be written there, so what is lost is known.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # the lowest number that is free
    sys.stdin = sys.stdin or io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    sys.stdout, sys.stderr = _opened(sys.stdout, 1), _opened(sys.stderr, 2)


def _opened(stream: TextIO | None, number: int) -> TextIO:
    if stream is not None and not isinstance(stream, io.TextIOWrapper):
        return stream
    raw = _Output(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",
        line_buffering=raw.isatty() or number == 2,
    )


def exit_code(code: ExitCode) -> ExitCode:
    """The exit code of a command that ended with ``code``, given whether its output was read.

    Without a reader nobody knows what was done, and the command counts as interrupted.
    """
    failures = [failure for failure in map(_failure, (sys.stdout, sys.stderr)) if failure]
    if not failures:
        return code
    full = next((failure for failure in failures if failure.errno not in _GONE), None)
    if full is None:
        return ExitCode.INTERRUPTED
    reason = "it is closed" if full.errno == errno.EBADF else full.strerror
    sys.stderr.write(f"newservice: the output is incomplete, for it can't be written: {reason}\n")
    return code or ExitCode.SYSTEM


def _failure(stream: TextIO) -> OSError | None:
    stream.flush()
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Output) else None
