"""What is found in a repository, and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A fact, and the place that says so: a path, with a line where there is one. ``question`` is copier.yml's."""

    question: str
    value: Any
    origin: str


@dataclass(frozen=True)
class OpenQuestion:
    """What the repository does not say. ``candidates`` are possible answers; ``flags`` gives each, to be copied."""

    question: str
    reason: str
    candidates: tuple[Finding, ...] = ()
    flags: tuple[str, ...] = ()
