"""The person's cache: it may be deleted at any time, and nobody else can have written to it."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path

from generator.base.files import is_private


def cache_folder(name: str = "") -> Path | None:
    """newservice's folder in the person's cache, or the one of this name in it, created where it is missing.

    None where it can't be created, or where someone else could write to it.
    """
    folder = user_cache_path("newservice")
    try:
        for place in dict.fromkeys((folder, folder / name)):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not is_private(place):
                return None
    except OSError:
        return None
    return folder / name
