"""Databases beside an application that the platform shares, and the variables that are about them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from generator.lifecycle.importing.conventions import Companion, whole
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.scope import Scope, variables_of

_URL = re.compile(
    r"(?P<jdbc>jdbc:)?(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/@\s]*@)?(?P<host>[^:/?#@\s]+)(?::(?P<port>[^/?#\s]*))?"
    r"(?:/(?P<path>[^?#\s]*))?(?P<query>\?\S*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass
class Used:
    """A companion that the application uses. ``taken``: the variables that say something about it."""

    scope: Scope
    key: str
    what: Companion
    taken: set[str] = field(default_factory=set)

    @property
    def service(self) -> Node:
        """The companion's service."""
        return self.scope.project.services[self.key]

    @property
    def image(self) -> Node:
        """Its image."""
        return self.service.get("image")

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The tables about its kind."""
        engine = self.what.what
        place = ("redis",) if engine == "redis" else ("databases", engine)
        found: Mapping[str, Any] = self.scope.conventions.value(*place)
        return found

    @property
    def token(self) -> str:
        """What stands for the shared one's host in the values of ``env``."""
        return f"{{{self.facts['token']}}}"

    @cached_property
    def own(self) -> Mapping[str, Node]:
        """What its own variables say: user, password and name."""
        variables = variables_of(self.scope.project, self.key)
        parts = self.facts.get("own", {})
        return {part: variables[name] for part, names in parts.items() for name in reversed(names) if name in variables}

    def url(self, text: str) -> re.Match[str] | None:
        """An address that leads to it; None for any other text."""
        found = _URL.fullmatch(text)
        here = found and self._is_host(found["host"]) and whole(self.facts["schemes"], found["scheme"])
        return found if here else None

    def names_host(self, name: str, text: str) -> bool:
        """Whether a variable holds its host, alone or with a port."""
        host, _, port = text.partition(":")
        if not self._is_host(host) or (port and not port.isdecimal()):
            return False
        part = self.part_by_name(name)
        if part == "host" or port:
            return True
        own = self.own.get("name")
        engine = host.lower() in self.scope.conventions.words("engine_words")
        return not engine and part in ("", "name") and (own is None or own.text != text)

    def part_by_name(self, name: str) -> str:
        """What a variable of this name holds of a connection; empty for nothing."""
        parts = self.scope.conventions.value("parts")
        return next((part for part, pattern in parts.items() if whole(pattern, name)), "")

    def _is_host(self, text: str) -> bool:
        return self.scope.hosts.get(text) == self.key
