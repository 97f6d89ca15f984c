"""Updates: what a newer template changes in files that an older one made, with all edits kept. Pure."""

from __future__ import annotations

from generator.lifecycle.update.plan import Standing, Upgrade, Upgrader

__all__ = ["Standing", "Upgrade", "Upgrader"]
