"""The sandbox's Forgejo: REST API under ``/api/v1``, git over HTTPS, and push mirrors that push."""

from __future__ import annotations

from generator.sandbox.forgejo.application import Forgejo

__all__ = ["Forgejo"]
