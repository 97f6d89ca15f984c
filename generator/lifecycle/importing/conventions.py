"""``templates/import.yml`` as objects: what is known of images, variables, paths and labels of Compose files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

from generator.template.template import Template

_LONGEST = 300
"""Longer names and paths fit no expression: none that is meant is longer, and matching stays quick."""


_ASSIGNED = re.compile(r"(?<![A-Za-z0-9_.-])([A-Za-z_][A-Za-z0-9_.-]{0,100})=[\"']?([^\s;&|'\"]+)", re.ASCII)


class Companion(NamedTuple):
    """A service beside an application. ``role``: companion, not_shared or provided; ``what``: engine, or words."""

    role: str
    what: str
    also: str = ""


@dataclass(frozen=True)
class Conventions:
    """The tables. ``data`` is the file as it is."""

    data: Mapping[str, Any]

    @classmethod
    @cache
    def installed(cls) -> Conventions:
        """Those of the installed template. Raises ``NewserviceError`` where they are not in their form."""
        return cls(Template.installed().imports)

    def fits(self, *place: str, text: str) -> bool:
        """Whether the expression at a place of the tables fits the whole text."""
        return whole(self._at(place), text)

    def words(self, key: str) -> tuple[Any, ...]:
        """A list of plain values."""
        return tuple(self.data[key])

    def value(self, *place: str) -> Any:
        """What is at a place of the tables."""
        return self._at(place)

    def companion(self, image: str) -> Companion | None:
        """What a service with this image is beside an application; None for an application."""
        name, owner = _name(image)
        for role, key in (("companion", "engine"), ("not_shared", "what"), ("provided", "by")):
            table = {"companion": "companions"}.get(role, role)
            for row in self.data[table]:
                if any(whole(pattern, f"{owner}/{name}" if "/" in pattern else name) for pattern in row["images"]):
                    return Companion(role, row[key], row.get("also", ""))
        return None

    def first(self, table: Iterable[Mapping[str, Any]], key: str, text: str) -> Mapping[str, Any] | None:
        """The first row of a table whose expression fits the whole text."""
        return next((row for row in table if whole(row[key], text)), None)

    def tool_variable(self, name: str) -> str:
        """What becomes of a variable for a tool of the host: a question, ``nothing``, or empty for any other one."""
        row = self.first(self.data["tool_variables"], "names", name)
        return row["becomes"] if row else ""

    def secret_by_name(self, name: str) -> bool:
        """Whether a variable of this name holds a secret."""
        return self.fits("secrets", "names", text=name) and not self.fits("secrets", "exceptions", text=name)

    def secret_by_value(self, value: str) -> str:
        """What a value looks like that is secret whatever its name; empty for any other."""
        return next((row["what"] for row in self._shapes if row["is"].search(value)), "")

    def assigned_secrets(self, text: str) -> Iterator[tuple[str, str]]:
        """Names and values in a line for a shell or an address, as in ``PASSWORD=x app`` and ``?token=x``."""
        for found in _ASSIGNED.finditer(text):
            name, value = found[1], found[2]
            if (
                self.secret_by_name(name)
                and not value.startswith("$")
                and not self.fits("secrets", "harmless", text=value)
            ):
                yield name, value

    @cached_property
    def _shapes(self) -> tuple[Mapping[str, Any], ...]:
        return tuple({**row, "is": expression(row["is"])} for row in self.data["secrets"]["values"])

    def _at(self, place: tuple[str, ...]) -> Any:
        found: Any = self.data
        for key in place:
            found = found[key]
        return found


@cache
def expression(pattern: str) -> re.Pattern[str]:
    """A compiled expression of the tables."""
    return re.compile(pattern, re.ASCII | re.IGNORECASE)


def whole(pattern: str, text: str) -> bool:
    """Whether an expression fits the whole of a text."""
    return len(text) <= _LONGEST and expression(pattern).fullmatch(text) is not None


def _name(image: str) -> tuple[str, str]:
    """The last part of an image's name, without tag and digest, and the part before it."""
    path = re.sub(r"@.*$", "", image).rpartition("/")
    return re.sub(r":.*$", "", path[2]), path[0].rpartition("/")[2]
