"""Proof of life: observes what exists from the outside, and judges it."""

from __future__ import annotations

from generator.lifecycle.verify.follow import Rhythm, follow
from generator.lifecycle.verify.look import Look, look

__all__ = ["Look", "Rhythm", "follow", "look"]
