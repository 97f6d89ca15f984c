"""Updates: what a newer template changes in what an older one made, with everybody's edits kept. Pure."""

from __future__ import annotations

from generator.errors import UnreadableError
from generator.upgrade.entries import Entry
from generator.upgrade.merge import Merged
from generator.upgrade.recorded import Recorded, parse_recorded, read_recorded, recorded_in
from generator.upgrade.upgrade import Standing, Upgrade, Upgrader

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
