"""Authors of commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from generator.base.lazy_import import lazily
from generator.clients.git.process import as_text, failure, git_process

if TYPE_CHECKING:
    import git
else:
    git = lazily("git")

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


def author_in(folder: Path) -> dict[str, str]:
    """The variables that name who commits in a repository, as git finds them there; ``FALLBACK_AUTHOR`` if it can't.

    Raises ``SystemFailure`` if git dies.
    """
    found: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        asked = ("var", f"GIT_{role}_IDENT")
        ended = git_process(folder, *asked)
        if ended.status < 0:
            raise failure(folder, asked, ended)
        known = FALLBACK_AUTHOR if ended.status else _parsed(as_text(ended.out))
        found |= {f"GIT_{role}_{field.upper()}": value for field, value in known.items()}
    return found


def _parsed(ident: str) -> dict[str, str]:
    """Name and address in a line of ``git var``."""
    actor, _, _ = git.objects.util.parse_actor_and_date(f"author {ident.strip()}")
    return {"name": actor.name or "", "email": actor.email or ""}
