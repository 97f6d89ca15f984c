"""What a command found in something that others wrote: one object each, for people and scripts alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal["origin", "assumed", "missing", "unexpressed", "secret"]


@dataclass(frozen=True)
class Finding:
    """One thing that was found in another platform's file, or in a repository.

    ``kind`` is origin (an answer, or where it comes from), assumed (the file says less than the answer), missing (a
    person answers), unexpressed (the answers can't say it), or secret (a value that Vault keeps, and that is not
    copied). ``question`` may name an entry (``env.TZ``); it is empty where no question is about it. ``origin`` is a
    place such as ``compose.yaml:14 services.app.image``, empty where there is none. Never holds a secret.
    """

    kind: FindingKind
    question: str
    message: str
    origin: str = ""
