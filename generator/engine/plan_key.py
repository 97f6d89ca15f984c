"""The key that tells a person's own saved plans from other people's: one for each person and machine.

It is kept in the folder of newservice's state, for nobody else to read. A plan that it marks was made here; what such a
plan names may be read without asking again.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from generator.base.files import read_private
from generator.base.folders import state_folder

_CHARACTERS = 64


def own_key() -> bytes | None:
    """The key; None where it does not exist, or where others could have read or written it."""
    place = _place()
    if place is None:
        return None
    try:
        key = read_private(place, _CHARACTERS, unseen=True)
    except OSError:
        return None
    return key if key and len(key) == _CHARACTERS else None


def made_key() -> bytes | None:
    """The key, made where it does not exist; None where it can't be stored.

    Two commands that make it at the same time agree on one.
    """
    place = _place()
    if place is None:
        return None
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=place.parent, encoding="ascii") as file:
            file.write(secrets.token_hex(_CHARACTERS // 2))
            file.flush()
            os.link(file.name, place)  # fails where it exists
    return own_key()


def _place() -> Path | None:
    folder = state_folder()
    return folder / "plan.key" if folder else None
