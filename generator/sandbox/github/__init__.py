"""The sandbox's GitHub: REST API under ``/api/v3`` and git over HTTPS."""

from __future__ import annotations

from generator.sandbox.github.application import GitHub

__all__ = ["GitHub"]
