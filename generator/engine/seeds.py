"""Where the first values of a service's secrets come from: references only, and the values behind them."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from generator.base.errors import RefusedError, UsageError
from generator.base.secrets import Secret
from generator.base.terminal_text import visible

Kind = Literal["env", "file", "prompt", "later", "generated"]

_NAMED: tuple[Kind, ...] = ("env", "file", "prompt", "later")
"""What ``--seed`` takes; what it does not name is generated."""

_OF_NOW: tuple[Kind, ...] = ("env", "file", "prompt")
"""What a value that exists is replaced from."""

_PLACES = {"env": ":VARIABLE", "file": ":PATH"}

LEFT_OPEN = Secret("")
"""Stands for a value that a person fills in later: a real one is never empty."""

TO_BE_TYPED = Secret("\0")
"""Stands for a value that a person types; a plan needs to know no more. Words would be masked wherever they appear."""

_WITH_PLACE = ("env", "file")

_LARGEST = 1024 * 1024
"""Characters of a value; neither Vault nor Kubernetes takes a larger one."""

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")

_WORDS = {
    "prompt": "typed when the plan is carried out",
    "later": "a person fills it in later",
    "generated": "generated",
}

_IN_USE = re.compile(
    r"PATH|HOME|SHELL|USER|LOGNAME|HOSTNAME|PWD|OLDPWD|TERM|COLUMNS|LINES|NO_COLOR|TZ|LANG|LANGUAGE|TMPDIR|TMP|TEMP"
    r"|EMAIL|EDITOR|VISUAL|PAGER|LESS|BROWSER|DISPLAY|VAULT_ADDR|VAULT_NAMESPACE|SSL_CERT_FILE|SSL_CERT_DIR|LD_PRELOAD|LD_LIBRARY_PATH"
    r"|GNUPGHOME|GPG_TTY|SSH_AUTH_SOCK|SSH_AGENT_PID|SSH_ASKPASS|(?i:(?:HTTP|HTTPS|FTP|ALL|NO)_PROXY)"
    r"|_?NEWSERVICE_.*|(?:GIT|LC|XDG|DYLD)_.*|PYTHON[A-Z]+|VIRTUAL_ENV"
)
"""Variables that newservice, git or their libraries read. The one that holds a secret is hidden from every child
process, and its value is masked in all that is printed."""


@dataclass(frozen=True)
class Seed:
    """The source of one property: a variable, a file, a person who types it now, one who fills it in later, or chance.

    What is ``shown`` is one line without control characters: a saved plan may hold anybody's text.
    """

    name: str
    kind: Kind
    place: str = ""
    flag: str = "--seed"
    """The flag that names it, for messages."""

    def __str__(self) -> str:
        return f"{self.name}={self.source}"

    @property
    def source(self) -> str:
        """The source as ``--seed`` takes it behind the property's name."""
        return f"{self.kind}:{self.place}" if self.kind in _WITH_PLACE else self.kind

    @property
    def read_here(self) -> bool:
        """Whether the value is read from this machine."""
        return self.kind in _WITH_PLACE

    @property
    def label(self) -> str:
        """What a message about it begins with."""
        return f"{self.flag} {self.shown_name}: " if self.name else ""

    @property
    def shown_name(self) -> str:
        """The property."""
        return visible(self.name, kept="")

    @property
    def shown_place(self) -> str:
        """The variable or path, quoted where it could be taken for more than one word."""
        return visible(shlex.quote(self.place), kept="")

    @property
    def shown_source(self) -> str:
        """The source, for programs."""
        return visible(self.source, kept="")

    @property
    def shown(self) -> str:
        """Where the value comes from, for people."""
        return _WORDS.get(self.kind) or f"from {visible(shlex.quote(self.source), kept='')}"

    @property
    def anywhere(self) -> Seed:
        """The same source for a command that runs in another folder: a file's own path, without links.

        A path that none can have stays as it is: reading it says so.
        """
        if self.kind != "file":
            return self
        try:
            return replace(self, place=os.path.realpath(self.place))
        except (OSError, ValueError):
            return self

    @property
    def exposed(self) -> bool:
        """Whether the value lies in a file that others on this machine can read."""
        status = self._status
        return status is not None and bool(status.st_mode & (stat.S_IRGRP | stat.S_IROTH))

    def check_single(self) -> None:
        """Raise ``RefusedError`` for a file with further names (hard links): one of them may be where keys are kept."""
        status = self._status
        if status is not None and status.st_nlink > 1:
            raise _linked(self, status.st_nlink)

    @property
    def _status(self) -> os.stat_result | None:
        """What the system says about a regular file; None for all else."""
        if self.kind != "file":
            return None
        try:
            status = Path(self.place).stat()
        except (OSError, ValueError):
            return None
        return status if stat.S_ISREG(status.st_mode) else None


def parse_seed(pair: str, flag: str = "--seed") -> Seed:
    """``PROPERTY=env:VARIABLE``, ``=file:PATH``, ``=prompt`` or, only for ``--seed``, ``=later``.

    Raises ``UsageError`` for anything else, without repeating it: it may be the value itself, given by mistake; and
    for a variable that is no secret's place.
    """
    name, _, source = pair.partition("=")
    kind, colon, place = source.partition(":")
    allowed = _NAMED if flag == "--seed" else _OF_NOW
    named: Kind | None = next((known for known in allowed if known == kind), None)
    if named is None or bool(colon) != (named in _WITH_PLACE):
        forms = [f"PROPERTY={known}{_PLACES.get(known, '')}" for known in allowed]
        raise UsageError(
            "seed.source",
            f"{flag} {visible(name, kept='')}: name where the value is, never the value",
            f"write {', '.join(forms[:-1])} or {forms[-1]}",
        )
    seed = Seed(name, named, place, flag)
    if named == "env" and _IN_USE.fullmatch(place):
        raise UsageError(
            "seed.variable",
            f"{seed.label}{seed.shown_place} is a variable that newservice and git work with, not a secret's place",
            "put the value into a variable of its own, or into a file: PROPERTY=file:PATH",
        )
    return seed


def read_seed(seed: Seed, environ: Mapping[str, str]) -> Secret:
    """The value behind a source; the stand-ins above for those that have none yet.

    A file is read by its own path (``anywhere``), never through a link. Raises ``UsageError`` where there is no value,
    or no regular file that could hold one, and ``RefusedError`` where the file has further names.
    """
    if seed.kind == "later":
        return LEFT_OPEN
    if seed.kind == "prompt":
        return TO_BE_TYPED
    value = environ.get(seed.place, "") if seed.kind == "env" else _content(seed)
    if not value:
        raise UsageError(
            "seed.empty",
            f"{seed.label}{seed.shown_place} is not set or empty",
            "a secret is never empty",
        )
    return Secret(value)


def remarks(seeds: Iterable[Seed], values: Mapping[str, Secret]) -> tuple[str, ...]:
    """What a person should know about these sources and what was read from them, one sentence each."""
    notes = []
    for seed in seeds:
        if seed.exposed:
            place = seed.shown_place
            notes.append(
                f"others on this machine can read {place}, which holds the value of {seed.shown_name}: chmod 600"
            )
        if seed.read_here and seed.name in values and _PRIVATE_KEY.search(values[seed.name].reveal()):
            notes.append(
                f"the value of {seed.shown_name} ({seed.shown}) is a private key: give the service one that opens "
                "nothing else"
            )
    return tuple(notes)


def _content(seed: Seed) -> str:
    """A file's text. Neither a pipe nor a device is waited for, and no link is followed that appeared meanwhile."""
    try:
        handle = os.open(seed.place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(handle, encoding="utf-8") as file:
            status = os.fstat(handle)
            regular = stat.S_ISREG(status.st_mode)
            if regular and status.st_nlink > 1:
                raise _linked(seed, status.st_nlink)
            text = file.read(_LARGEST + 1) if regular else ""
    except (OSError, ValueError):  # no text, or no path
        raise _unreadable(seed, "can't be read") from None
    if not regular:
        raise _unreadable(seed, "is no regular file")
    if len(text) > _LARGEST:
        raise _unreadable(seed, "is larger than a secret can be (1 MiB)")
    return text.rstrip("\n")


def _linked(seed: Seed, names: int) -> RefusedError:
    return RefusedError(
        "seed.place",
        f"{seed.label}{seed.shown_place} is a file with {names} names (hard links), and another one may be where keys "
        "are kept",
        "make a file of its own for the value, which has one name",
    )


def _unreadable(seed: Seed, reason: str) -> UsageError:
    return UsageError("seed.unreadable", f"{seed.label}the file {seed.shown_place} {reason}", "check it")
