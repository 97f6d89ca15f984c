"""Proof of life: observe from the outside what exists of a service, and judge it."""

from __future__ import annotations

from generator.lifecycle.verify.follow import Rhythm, follow
from generator.lifecycle.verify.look import Look, look

__all__ = ["Look", "Rhythm", "follow", "look"]
