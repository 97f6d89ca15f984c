"""Authors of commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FALLBACK_AUTHOR = {"name": "newservice", "email": "newservice@localhost"}
"""Used when git does not know who commits."""


@dataclass(frozen=True)
class Signature:
    """Author and date of a commit that is not made by the person who runs newservice, now."""

    name: str
    email: str
    when: datetime

    @property
    def environment(self) -> dict[str, str]:
        """The signature as git's environment variables."""
        fields = {"NAME": self.name, "EMAIL": self.email, "DATE": f"@{int(self.when.timestamp())} +0000"}
        return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in fields.items()}
