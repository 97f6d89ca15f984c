"""Libraries that take long to import, and that most commands never use: imported on first use.

Each comes with an import for the type checker. The standard library's ``LazyLoader`` would not do: in Python 3.11
it has no lock, so that one thread of a run can see what another has half loaded; and it puts each name among the
loaded modules at once, where whoever walks through these loads it.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


def lazily(name: str) -> ModuleType:
    """The library ``name``, as ``import`` gives it, but at the first use; no class can be derived from its classes.

    Threads may use it at the same time: the import system's own lock lets the others wait. Raises ``ImportError``
    when it is used and not installed.
    """
    return _Library(name)


class _Library(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)
