"""Where the first values of a service's secrets come from: references only, and the values behind them."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from generator.base.errors import UsageError
from generator.base.secrets import Secret

Kind = Literal["env", "file", "prompt", "later"]

LEFT_OPEN = Secret("")
"""Stands for a value that a person fills in later: a real one is never empty."""

TO_BE_TYPED = Secret("typed when the plan is carried out")
"""Stands for a value that a person types; a plan needs to know no more."""

_WITH_PLACE = ("env", "file")

_IN_USE = re.compile(
    r"PATH|HOME|SHELL|USER|LOGNAME|HOSTNAME|PWD|OLDPWD|TERM|COLUMNS|LINES|NO_COLOR|TZ|LANG|LANGUAGE|TMPDIR|TMP|TEMP"
    r"|EMAIL|EDITOR|VISUAL|PAGER|LESS|BROWSER|DISPLAY|VAULT_ADDR|VAULT_NAMESPACE|SSL_CERT_FILE|SSL_CERT_DIR|LD_PRELOAD|LD_LIBRARY_PATH"
    r"|GNUPGHOME|GPG_TTY|SSH_AUTH_SOCK|SSH_AGENT_PID|SSH_ASKPASS|(?i:(?:HTTP|HTTPS|FTP|ALL|NO)_PROXY)"
    r"|_?NEWSERVICE_.*|(?:GIT|LC|XDG|DYLD)_.*|PYTHON[A-Z]+|VIRTUAL_ENV"
)
"""Variables that newservice, git or their libraries read. The one that holds a secret is taken away from every child
process, and its value is masked in all that is printed."""


@dataclass(frozen=True)
class Seed:
    """The source of one property: a variable, a file, a person who types it now, or one who fills it in later."""

    name: str
    kind: Kind
    place: str = ""

    def __str__(self) -> str:
        return f"{self.name}={self.kind}:{self.place}" if self.kind in _WITH_PLACE else f"{self.name}={self.kind}"

    @property
    def anywhere(self) -> Seed:
        """The same source for a command that runs in another folder."""
        return Seed(self.name, self.kind, str(Path(self.place).absolute())) if self.kind == "file" else self

    @property
    def exposed(self) -> bool:
        """Whether the value lies in a file that others on this machine can read."""
        if self.kind != "file":
            return False
        try:
            status = Path(self.place).stat()
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(status.st_mode) and bool(status.st_mode & (stat.S_IRGRP | stat.S_IROTH))


def parse_seed(pair: str) -> Seed:
    """``PROPERTY=env:VARIABLE``, ``=file:PATH``, ``=prompt`` or ``=later``.

    Raises ``UsageError`` for anything else, without repeating it: it may be the value itself, given by mistake; and
    for a variable that is no secret's place.
    """
    name, _, source = pair.partition("=")
    kind, colon, place = source.partition(":")
    if kind not in get_args(Kind) or bool(colon) != (kind in _WITH_PLACE):
        raise UsageError(
            "seed.source",
            f"--seed {name}: name where the value is, never the value",
            "write PROPERTY=env:VARIABLE, PROPERTY=file:PATH, PROPERTY=prompt or PROPERTY=later",
        )
    if kind == "env" and _IN_USE.fullmatch(place):
        raise UsageError(
            "seed.variable",
            f"--seed {name}: {place} is a variable that newservice and git work with, not a secret's place",
            "put the value into a variable of its own, or into a file: PROPERTY=file:PATH",
        )
    return Seed(name, kind, place)  # type: ignore[arg-type]


def read_seed(seed: Seed, environ: Mapping[str, str]) -> Secret:
    """The value behind a source; the stand-ins above for those that have none yet. Raises ``UsageError``."""
    if seed.kind == "later":
        return LEFT_OPEN
    if seed.kind == "prompt":
        return TO_BE_TYPED
    value = environ.get(seed.place, "") if seed.kind == "env" else _content(seed)
    if not value:
        raise UsageError(
            "seed.empty", f"--seed {seed.name}: {seed.place} is not set or empty", "a secret is never empty"
        )
    return Secret(value)


def _content(seed: Seed) -> str:
    try:
        return Path(seed.place).read_text(encoding="utf-8").rstrip("\n")
    except (OSError, ValueError):  # no text, or no path
        raise UsageError(
            "seed.unreadable", f"--seed {seed.name}: the file {seed.place} can't be read", "check it"
        ) from None
