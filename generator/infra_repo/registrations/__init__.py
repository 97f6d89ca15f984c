"""Registrations: the entries that a service adds to files shared by all. Pure, text to text.

``load`` reads the declarations and ``faults`` checks those of a platform profile; ``register`` and ``unregister``
apply one to its file's text.
"""

from __future__ import annotations

from generator.infra_repo.registrations.declarations import Adjustments, declared_ids, faults, load
from generator.infra_repo.registrations.engine import Change, Registration, register, shares, unregister

__all__ = [
    "Adjustments",
    "Change",
    "Registration",
    "declared_ids",
    "faults",
    "load",
    "register",
    "shares",
    "unregister",
]
