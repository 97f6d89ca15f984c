"""What a server has to know before it runs a command."""

from __future__ import annotations

from pathlib import Path

from generator.base.errors import RefusedError, UsageError
from generator.lifecycle.update.checkout import Place, interrupted


def may_be_there(path: str) -> None:
    """Raise ``UsageError`` for a path that the system can't even look up: too long, or with a zero byte."""
    try:
        Path(path).resolve().stat()
    except (FileNotFoundError, NotADirectoryError):
        return  # the command says so, or makes it
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError("usage.path", f"the folder can't be looked up: {reason}", "name another one") from None


def nothing_to_take_back(path: str) -> None:
    """Raise ``RefusedError`` if ``update --check`` would first undo an update that was killed.

    Raises what ``Place.of`` raises for a path that is no checkout.
    """
    place = Place.of(Path(path))
    try:
        if interrupted(place.repository):
            raise RefusedError(
                "mcp.read_only",
                f"an update of {place.root} was interrupted, and the next one undoes it before it checks",
                f"a person may run newservice update --check {path}, which does so",
            )
    finally:
        place.repository.close()
