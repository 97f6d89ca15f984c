"""The file that a plan is kept in: private, complete or absent, and never written over another file."""

from __future__ import annotations

import os
from pathlib import Path

from generator.base.errors import RefusedError, UsageError
from generator.base.external import MOST_JSON_BYTES, read_bounded
from generator.base.files import write_file
from generator.engine.plan_key import made_key, own_key
from generator.engine.saved_plan import SavedPlan, from_text, is_plan, to_text


def read_plan(path: Path) -> SavedPlan:
    """The plan in a file. Raises ``UsageError`` where it holds none, or one that can't be relied on."""
    text = _text(path)
    if text is None:
        raise UsageError("plan.unreadable", f"{path} can't be read as a plan", "newservice plan --out FILE makes one")
    return from_text(text, str(path), own_key())


def check_place(path: Path, service_dir: Path) -> None:
    """Look whether a plan can be kept at ``path``, before anything is observed.

    Raises ``RefusedError`` where another file is in the way, ``UsageError`` where nothing can be written.
    """
    if path.is_relative_to(service_dir):
        raise UsageError(
            "plan.unwritable",
            f"{path} lies in the folder where the service's repository goes",
            "name a file elsewhere with --out",
        )
    if os.path.lexists(path) and not is_plan(_text(path) or ""):
        raise RefusedError("plan.exists", f"{path} exists and is not a saved plan", "name another file with --out")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError("plan.unwritable", f"{path.parent} is not a writable folder", "name another with --out")


def write_plan(path: Path, saved: SavedPlan) -> bool:
    """Keep a plan, for nobody else to read; what was there stays until the new one is complete.

    A plan that names sources of secrets is marked as one's own; returns whether ``apply`` will recognize it,
    or does not need to. Raises ``UsageError`` where the plan can't be written.
    """
    key = made_key() if saved.seeds else None
    try:
        write_file(path, to_text(saved, key))
    except OSError as error:
        raise UsageError(
            "plan.unwritable", f"{path} can't be written: {error.strerror}", "name another with --out"
        ) from error
    return key is not None or not saved.seeds


def _text(path: Path) -> str | None:
    """The text of a regular file, or None."""
    try:
        return read_bounded(path, MOST_JSON_BYTES).decode() if path.is_file() else None
    except (OSError, UnicodeDecodeError):
        return None
