"""What the command said of an application."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """Something that the command says: its kind, the question that it is about, the words, and the place."""

    kind: str
    question: str
    message: str
    origin: str = ""

    @property
    def path(self) -> str:
        """The place without file and line."""
        return self.origin.partition(" ")[2]


@dataclass(frozen=True)
class Imported:
    """What came out: the exit code, the answers, and all that is said of them; ``output`` is every byte of it."""

    code: int
    answers: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    output: str = ""

    def said(self, *kinds: str) -> list[Finding]:
        """The findings of these kinds; all of them where none is named."""
        return [finding for finding in self.findings if not kinds or finding.kind in kinds]

    @property
    def missing(self) -> set[str]:
        """The questions that are left."""
        return {finding.question for finding in self.said("missing")}

    def names(self, what: str, *kinds: str) -> bool:
        """Whether something other than an answer's plain origin speaks of it."""
        pattern = re.compile(rf"(?<![A-Za-z0-9]){re.escape(what)}(?![A-Za-z0-9_])", re.IGNORECASE)
        said = [finding for finding in self.said(*kinds) if finding.kind != "origin"]
        return any(pattern.search(f"{finding.question} {finding.message} {finding.path}") for finding in said)

    def speaks_of(self, path: str) -> bool:
        """Whether something is said of a place in the file, or of what is below it."""
        return any(re.match(rf"{re.escape(path)}(?![A-Za-z0-9_-])", finding.path) for finding in self.findings)
