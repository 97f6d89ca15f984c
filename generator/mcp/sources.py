"""Which sources of secrets a server may read: those that a person named when it was started, and no others."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from generator.base.errors import RefusedError, UsageError
from generator.base.terminal_text import visible
from generator.engine.seed_rules import refuse_sources
from generator.engine.seeds import parse_seed

FLAG = "--allow-seed"

_SYNTAX = re.compile(r"[\\^$.*+?()\[\]{}|]")
"""What means something in a regular expression, of Python and of ECMA."""


@dataclass(frozen=True)
class Source:
    """An allowed source: a variable, a file, or (``file:/path/``) every file below a folder.

    ``real`` is where a file or folder is once links are followed, as it was when the server started.
    """

    text: str
    real: str = ""

    @property
    def folder(self) -> bool:
        """Whether it stands for the files below it."""
        return bool(self.real) and self.text.endswith("/")

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of what it allows."""
        if self.folder:
            return {"type": "string", "pattern": f"^{_SYNTAX.sub(_escaped, self.text)}."}
        return {"const": self.text}

    def names(self, source: str) -> bool:
        """Whether a source is this one, or below it, by its name alone."""
        return source.startswith(self.text) and source != self.text if self.folder else source == self.text

    def leads_to(self, real: str) -> bool:
        """Whether a file is this one, or below it, once links are followed."""
        return real.startswith(f"{self.real.rstrip('/')}/") if self.folder else real == self.real


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found.group()}"


def allowed_source(text: str, environ: Mapping[str, str] = os.environ) -> Source:
    """What a person allows with ``--allow-seed``: ``env:VARIABLE``, ``file:PATH``, or ``file:FOLDER/``.

    Raises ``UsageError`` for anything else, without repeating it, and ``RefusedError`` for what no seed may name.
    """
    seed = parse_seed(f"={text}") if text.startswith(("env:", "file:")) else None
    if seed is None or not seed.place or "\0" in seed.place:
        raise UsageError(
            "mcp.source",
            f"{FLAG} names a variable, a file or a folder",
            f"write {FLAG} env:VARIABLE, {FLAG} file:PATH, or {FLAG} file:FOLDER/ for all files below it",
        )
    refuse_sources([seed], environ)
    if seed.kind == "env":
        return Source(text)
    path = os.path.abspath(seed.place)
    folder = seed.place.endswith("/") or os.path.isdir(path)
    return Source(f"file:{path}{'/' if folder and path != '/' else ''}", os.path.realpath(path))


@dataclass(frozen=True)
class Sources:
    """All allowed sources, and the command line that the server was started with."""

    allowed: tuple[Source, ...] = ()
    command: tuple[str, ...] = ("newservice", "mcp")

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the argument ``seeds``."""
        return {
            "type": "object",
            "description": "Where the first value of a secret is, by property of Vault; never the value. A property "
            f"that is not named gets a generated value. {self.summary}",
            "propertyNames": {"pattern": "^[^=]*$"},
            "additionalProperties": {"anyOf": [{"const": "later"}, *(source.schema for source in self.allowed)]},
        }

    @property
    def replacements(self) -> dict[str, Any]:
        """The JSON Schema of the argument ``replace`` of ``secrets_push``: as ``seeds``, without ``later``."""
        return {
            "type": "object",
            "description": "Properties of Vault to replace, and where the new value of each is; never the value. "
            f"Without it the Actions secrets are written again, and no property. {self.summary}",
            "propertyNames": {"pattern": "^[^=]*$"},
            "additionalProperties": {"anyOf": [source.schema for source in self.allowed]} if self.allowed else False,
        }

    @property
    def summary(self) -> str:
        """What may be named, in a sentence."""
        texts = [f"{source.text}… (files below)" if source.folder else source.text for source in self.allowed]
        more = f" or one of {', '.join(texts)}" if texts else f"; a person may allow sources ({FLAG})"
        return visible(f"For seeds this server accepts later (a person fills it in){more}.", kept="")

    def check_names(self, seeds: Any) -> None:
        """Raise ``RefusedError`` for a source that is not allowed by its name. Nothing is looked at.

        What is no source at all is left to the schema.
        """
        for name, source in seeds.items() if isinstance(seeds, Mapping) else ():
            if isinstance(source, str) and (source.startswith(("env:", "file:")) or "=" in name):
                self._check_name(name, source)

    def check_files(self, seeds: Mapping[str, str]) -> None:
        """Raise ``RefusedError`` for a file that links lead to a place which is not allowed. No file is opened."""
        for name, source in seeds.items():
            if source.startswith("file:"):
                real = _real(source.removeprefix("file:"))
                if not any(item.names(source) and item.leads_to(real) for item in self.allowed):
                    raise self._refusal(name, source, "leads out of what is allowed")

    def _check_name(self, name: str, source: str) -> None:
        seed = parse_seed(f"{name}={source}")  # as the command line reads it
        if seed.kind != "later" and not any(item.names(seed.source) for item in self.allowed):
            refuse_sources([seed] if seed.kind == "env" else [], {})
            raise self._refusal(seed.name, seed.source, "is not allowed")

    def _refusal(self, name: str, source: str, reason: str) -> RefusedError:
        message = f"seeds.{name}: {source} {reason}: this server was not started to read it"
        again = shlex.join([*self.command, FLAG, source])
        hint = f"{self.summary} If the service is meant to read that value, a person may start it so: {again}"
        return RefusedError("mcp.seed", visible(message, kept=""), visible(hint, kept=""))


def sources(texts: Iterable[str], command: Iterable[str] = Sources.command) -> Sources:
    """What these flags of a command line allow. Raises what ``allowed_source`` raises."""
    return Sources(tuple(map(allowed_source, texts)), tuple(command))


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return ""
