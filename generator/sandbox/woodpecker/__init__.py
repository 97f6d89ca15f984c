"""The sandbox's Woodpecker: registrations of GitHub repositories, their settings, secrets and pipelines."""

from __future__ import annotations

from generator.sandbox.woodpecker.application import Woodpecker

__all__ = ["Woodpecker"]
