"""Who makes a commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FALLBACK_AUTHOR = {"name": "newservice", "email": "newservice@localhost"}
"""Where git does not know who commits."""


@dataclass(frozen=True)
class Signature:
    """Who makes a commit and when, where that is not the person who runs newservice, now."""

    name: str
    email: str
    when: datetime

    @property
    def environment(self) -> dict[str, str]:
        """The same as git's variables."""
        said = {"NAME": self.name, "EMAIL": self.email, "DATE": f"@{int(self.when.timestamp())} +0000"}
        return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in said.items()}
