"""The person's cache: it may be deleted at any time, and nobody else can have written to it."""

from __future__ import annotations

from pathlib import Path

from generator.base import folders
from generator.base.files import is_private


def cache_folder(name: str = "") -> Path | None:
    """newservice's folder in the person's cache, or the one of this name in it, created where it is missing.

    None without a home, where it can't be created, or where someone else could write to it.
    """
    folder = folders.cache_folder()
    if folder is None:
        return None
    try:
        for place in dict.fromkeys((folder, folder / name)):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not is_private(place):
                return None
    except OSError:
        return None
    return folder / name
