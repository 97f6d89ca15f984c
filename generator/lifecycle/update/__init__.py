"""Updates: what a newer template changes in what an older one made, with everybody's edits kept. Pure."""

from __future__ import annotations

from generator.base.errors import UnreadableError
from generator.engine.recorded import Recorded, parse_recorded, read_recorded, recorded_in
from generator.lifecycle.update.entries import Entry
from generator.lifecycle.update.merge import Merged
from generator.lifecycle.update.plan import Standing, Upgrade, Upgrader

__all__ = [
    "Entry",
    "Merged",
    "Recorded",
    "Standing",
    "UnreadableError",
    "Upgrade",
    "Upgrader",
    "parse_recorded",
    "read_recorded",
    "recorded_in",
]
