"""What a server has to know before it runs a command."""

from __future__ import annotations

from pathlib import Path

from generator.base.errors import UsageError


def may_be_there(path: str) -> None:
    """Raise ``UsageError`` for a path that the system can't even look up: too long, or with a zero byte."""
    try:
        Path(path).resolve().stat()
    except (FileNotFoundError, NotADirectoryError):
        return  # the command says so, or makes it
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError("usage.path", f"the folder can't be looked up: {reason}", "name another one") from None
