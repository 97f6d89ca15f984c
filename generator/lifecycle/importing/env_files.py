"""Files of variables, by Docker's rules: ``.env`` and what ``env_file`` names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from generator.lifecycle.importing.interpolation import InterpolationError, fill
from generator.lifecycle.importing.nodes import Use

_LINE = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?:[=:][ \t]*|$)", re.ASCII)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'", "$": "$"}


class Variable(NamedTuple):
    """A variable of such a file: its line, and its value, None where only its name is there."""

    name: str
    value: str | None
    line: int
    uses: tuple[Use, ...] = ()


class EnvFileError(ValueError):
    """A line is none of a variable. Never quotes it: it may hold a secret."""


def read_env(text: str, variables: Mapping[str, str], *, raw: bool = False) -> list[Variable]:
    """The variables of a file in their order. ``variables``, and those before it in the file, fill in a value.

    ``raw``: values are what follows the equals sign. Raises ``EnvFileError`` with the line.
    """
    known = dict(variables)
    found = []
    for line, name, value, literal in _pairs(text, raw):
        uses: tuple[Use, ...] = ()
        if value is not None and not literal:
            try:
                value, uses = fill(value, known)
            except InterpolationError as error:
                raise EnvFileError(f"line {line}: {error}") from None
        found.append(Variable(name, value, line, uses))
        if value is not None:
            known[name] = value
    return found


def _pairs(text: str, raw: bool) -> Iterator[tuple[int, str, str | None, bool]]:
    """Line, name, value, and whether that is taken as it is."""
    text = text.replace("\r\n", "\n")
    at, number = 0, 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line, start, at, number = text[at:end], at, end + 1, number + 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.match(line)
        if found is None:
            raise EnvFileError(f"line {number}: it is neither NAME=VALUE nor a comment")
        value = line[found.end() :]
        if "=" not in found[0] and ":" not in found[0]:
            yield number, found[1], None, True
        elif raw:
            yield number, found[1], value, True
        elif value[:1] in _QUOTED:
            quoted = _QUOTED[value[0]].match(text, start + found.end())
            if quoted is None:
                raise EnvFileError(f"line {number}: a value begins with a quote and is not closed")
            yield number, found[1], _unquoted(quoted[0]), value[0] == "'"
            number += quoted[0].count("\n")
            at = text.find("\n", quoted.end()) + 1 or len(text)
        else:
            yield number, found[1], _COMMENT.split(value, maxsplit=1)[0].strip(), False


_QUOTED = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL),
    "'": re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL),
}
_COMMENT = re.compile(r"(?:^|[ \t])#")


def _unquoted(text: str) -> str:
    """A value without its quotes. An escaped dollar sign stays one when variables are filled in."""
    if text[0] == "'":
        return text[1:-1].replace("\\'", "'")
    return re.sub(r"\\(.)", lambda found: "$$" if found[1] == "$" else _ESCAPED.get(found[1], found[0]), text[1:-1])
