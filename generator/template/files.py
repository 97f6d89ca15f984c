"""A rendered file, and which of the two trees it belongs to. Imports nothing, so that clients may use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ANSWERS_FILE = ".copier-answers.yml"
"""The file in each tree that records with which answers, and from which version of the template, it was made."""

Layer = Literal["service", "stack"]
"""The two trees: the service's own repository, and its stack in the infra repository."""


@dataclass(frozen=True)
class File:
    """One rendered file: POSIX path relative to its tree, content, and whether it is executable.

    ``once``: it is its owner's from the moment it exists (copier's ``_skip_if_exists``).
    """

    path: str
    content: bytes
    executable: bool = False
    once: bool = False
