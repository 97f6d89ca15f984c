"""Faults of newservice itself: a message for people, the trace in a private file, no secret in either."""

from __future__ import annotations

import errno
import os
import tempfile
import traceback

from generator.base.errors import NewserviceError, UsageError, unwritable
from generator.base.secrets import redact

_OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.EMFILE, errno.ENFILE}
)
"""What a full, read-only or closed place fails with: a person's to change."""


def as_reported(error: BaseException) -> NewserviceError:
    """``error`` as it is reported: unchanged, or with the place of its trace if it is a fault of newservice."""
    if isinstance(error, NewserviceError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # only a person gives such a name
        name = os.fsdecode(error.filename or "")
        message = f"a path is too long: {name[:40]}... ({len(name)} characters)"
        return UsageError("usage.path", message, "give a shorter path")
    if isinstance(error, OSError) and (error.errno in _OF_THE_MACHINE or "No usable temporary" in str(error)):
        return unwritable(error)
    trace = redact("".join(traceback.format_exception(error)))
    return NewserviceError(
        "internal",
        f"newservice failed: {type(error).__name__}: {error}",
        f"this is a fault of newservice; the trace is in {_kept(trace)}",
    )


def _kept(trace: str) -> str:
    """Where the trace is: a private file, or the trace itself where no file can be written."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="newservice-report-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as report:
            report.write(trace)
    except OSError as error:
        return f"no file ({error.strerror}):\n{trace}"
    return report.name
