"""Registrations: the entries that a service adds to files shared by all. Pure, text to text.

``load`` reads the declarations, ``register`` and ``unregister`` apply one to its file's text.
"""

from __future__ import annotations

from generator.registrations.declarations import declared_ids, load
from generator.registrations.engine import Change, Registration, register, unregister

__all__ = ["Change", "Registration", "declared_ids", "load", "register", "unregister"]
