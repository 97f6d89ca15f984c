"""Proof of life: what is there, looked at from the outside, and judged."""

from __future__ import annotations

from generator.lifecycle.verify.follow import Rhythm, follow
from generator.lifecycle.verify.look import Look, look

__all__ = ["Look", "Rhythm", "follow", "look"]
