"""Variables in a Compose file's texts, by the rules of the Compose Specification. Pure.

``$VAR`` and ``${VAR}``, with ``:-`` and ``-`` (default), ``:?`` and ``?`` (required), ``:+`` and ``+`` (alternative);
what follows an operator may hold variables again; ``$$`` is a dollar sign. A dollar sign before anything else stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from generator.lifecycle.importing.nodes import Node, Use

DEEPEST = 20
"""Variables inside the defaults of each other."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OPERATORS = (":-", "-", ":?", "?", ":+", "+")


class InterpolationError(ValueError):
    """A text has the form of a variable and is none. Never quotes it: it may hold a secret."""


class Filled(NamedTuple):
    """A text with its variables filled in, and each of those."""

    text: str
    uses: tuple[Use, ...]


def fill(text: str, variables: Mapping[str, str], depth: int = 0) -> Filled:
    """``text`` with ``variables`` filled in; what nothing stands for becomes empty. Raises ``InterpolationError``."""
    if depth > DEEPEST:
        raise InterpolationError(f"variables are nested deeper than {DEEPEST} levels")
    parts: list[str] = []
    uses: list[Use] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        after = text[dollar + 1 : dollar + 2]
        if after == "$":
            parts.append("$")
            at = dollar + 2
        elif after == "{":
            end = _end(text, dollar + 2)
            part = _braced(text[dollar + 2 : end], variables, depth)
            parts.append(part.text)
            uses += part.uses
            at = end + 1
        elif found := _NAME.match(text, dollar + 1):
            name = found[0]
            parts.append(variables.get(name, ""))
            uses.append(Use(name, "set" if name in variables else "unset"))
            at = found.end()
        else:
            parts.append("$")
            at = dollar + 1
    parts.append(text[at:])
    return Filled("".join(parts), tuple(uses))


def filled(node: Node, variables: Mapping[str, str]) -> Node:
    """A tree with all variables in its values filled in; keys stay. Raises ``InterpolationError`` with the line."""
    if isinstance(node.value, Mapping):
        return replace(node, value={key: filled(below, variables) for key, below in node.value.items()})
    if node.is_list:
        return replace(node, value=[filled(below, variables) for below in node.items])
    if not isinstance(node.value, str) or "$" not in node.value:
        return node
    try:
        text, uses = fill(node.value, variables)
    except InterpolationError as error:
        raise InterpolationError(f"{node.origin}: {error}") from None
    return replace(node, value=text, uses=uses)


def _end(text: str, start: int) -> int:
    """Where the brace that is open at ``start`` is closed; variables inside have braces of their own."""
    at, opened = start, 1
    while at < len(text):
        if text.startswith("${", at):
            opened += 1
            at += 2
            continue
        if text[at] == "}":
            opened -= 1
            if not opened:
                return at
        at += 1
    raise InterpolationError("a variable begins with ${ and is not closed; write $$ for a dollar sign")


def _braced(text: str, variables: Mapping[str, str], depth: int) -> Filled:
    found = _NAME.match(text)
    rest = text[found.end() :] if found else ""
    operator = next((sign for sign in _OPERATORS if rest.startswith(sign)), "")
    if found is None or (rest and not operator):
        raise InterpolationError("what is between ${ and } is no variable; write $$ for a dollar sign")
    name, value = found[0], variables.get(found[0])
    if not operator:
        return Filled(value or "", (Use(name, "unset" if value is None else "set"),))
    given = bool(value) if operator[0] == ":" else value is not None
    if operator[-1] == "+":
        return _instead(name, rest[len(operator) :], variables, depth) if given else Filled("", ())
    if given:
        return Filled(value or "", (Use(name, "set"),))
    if operator[-1] == "?":
        return Filled("", (Use(name, "required"),))
    text, uses = fill(rest[len(operator) :], variables, depth + 1)
    return Filled(text, (Use(name, "default"), *uses))


def _instead(name: str, text: str, variables: Mapping[str, str], depth: int) -> Filled:
    part = fill(text, variables, depth + 1)
    return Filled(part.text, (Use(name, "alternative"), *part.uses))
