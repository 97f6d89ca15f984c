"""What a server that only looks has to know before a command that looks."""

from __future__ import annotations

from pathlib import Path

from generator.checkout import Place, interrupted
from generator.errors import RefusedError


def nothing_to_take_back(path: str) -> None:
    """Raise ``RefusedError`` where ``update --check`` would first take back an update that was killed.

    Raises what ``Place.of`` raises for a path that is no checkout.
    """
    place = Place.of(Path(path))
    try:
        if interrupted(place.repository):
            raise RefusedError(
                "mcp.read_only",
                f"an update of {place.root} was interrupted, and the next one takes it back before it looks",
                f"a person may run newservice update --check {path}, which does so",
            )
    finally:
        place.repository.close()
