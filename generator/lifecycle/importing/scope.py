"""One service of a Compose file, and all that its answers are made from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from generator.lifecycle.importing.conventions import Companion, Conventions
from generator.lifecycle.importing.draft import Draft
from generator.lifecycle.importing.merging import as_pairs
from generator.lifecycle.importing.nodes import Node, Use
from generator.lifecycle.importing.ports import Port, ports_of
from generator.lifecycle.importing.project import Project
from generator.lifecycle.importing.routes import routes

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
"""What the cluster takes for a variable's name."""


@dataclass
class Scope:
    """``name`` is the service's key; ``platform`` the profile's facts."""

    project: Project
    conventions: Conventions
    name: str
    platform: Mapping[str, Any]
    draft: Draft = field(default_factory=Draft)

    @property
    def service(self) -> Node:
        """The service."""
        return self.project.services[self.name]

    @cached_property
    def others(self) -> Mapping[str, Companion | None]:
        """The other services, and what each is beside an application; None for an application."""
        return {
            key: companion(self.conventions, node) for key, node in self.project.services.items() if key != self.name
        }

    @cached_property
    def hosts(self) -> Mapping[str, str]:
        """The names by which services reach each other, and the service of each."""
        return {host: key for key, node in self.project.services.items() for host in _hosts(key, node)}

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The services that it says it depends on."""
        named = [self.service.get(key) for key in ("depends_on", "links", "external_links")]
        words = [*(item.text.partition(":")[0] for node in named for item in node.items), *named[0].entries]
        return tuple(dict.fromkeys(word for word in words if word in self.project.services))

    @cached_property
    def variables(self) -> Mapping[str, Node]:
        """The variables of its environment whose names the cluster takes."""
        found = variables_of(self.project, self.name)
        return {name: node for name, node in found.items() if VARIABLE.fullmatch(name)}

    @cached_property
    def labels(self) -> Mapping[str, Node]:
        """Its labels, those of its deployment among them."""
        return {**as_pairs(self.service.get("deploy", "labels")), **as_pairs(self.service.get("labels"))}

    @cached_property
    def web_hosts(self) -> tuple[str, ...]:
        """The host names that proxies of the host send to it."""
        named = [node.text for name, node in self.variables.items() if self.conventions.tool_variable(name) == "host"]
        words = [word.strip() for text in named for word in text.split(",") if word.strip()]
        return tuple(dict.fromkeys([*(route.host for route in routes(self.labels, self.conventions)), *words]))

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """The ports of the container that it publishes, then those that it exposes."""
        return tuple(ports_of(self.service))

    @cached_property
    def ports_seen(self) -> frozenset[str]:
        """The ports by which people reach it on the machine, as text; the empty one is the web's own."""
        return frozenset({"", *(port.published for port in self.ports), *(str(port.target) for port in self.ports)})

    def is_secret(self, name: str, node: Node) -> str:
        """Why a variable's value is a secret; empty where it is none."""
        text = node.text
        if looks := self.conventions.secret_by_value(text):
            return f"it looks like {looks}"
        if self.conventions.secret_by_name(name) and not self._harmless(node):
            return "its name says so"
        named = [use.name for use in node.uses if self.conventions.secret_by_name(use.name) and (text or use.open)]
        return f"{' and '.join(named)} is in it" if named else ""

    def _harmless(self, node: Node) -> bool:
        if not node.text:  # left empty on purpose, unless a variable is to fill it
            return all(use.state in ("default", "alternative") for use in node.uses)
        return self.conventions.fits("secrets", "harmless", text=node.text)

    def addressed(self, text: str) -> Iterator[str]:
        """The other services whose host a text names together with a port, as a command does."""
        for host, key in self.hosts.items():
            if key != self.name and re.search(rf"(?<![A-Za-z0-9_.-]){re.escape(host)}[:/ ][0-9]{{2,5}}(?![0-9])", text):
                yield key

    def mentioned(self, text: str) -> Iterator[str]:
        """The other services whose host a text names as an address."""
        for host, key in self.hosts.items():
            if (
                key != self.name
                and host in text
                and re.search(rf"(?<![A-Za-z0-9_.-]){re.escape(host)}(?![A-Za-z0-9_.-])", text)
            ):
                yield key


def companion(conventions: Conventions, service: Node) -> Companion | None:
    """What a service is beside an application."""
    image = service.get("image").text
    return conventions.companion(image) if image else None


def variables_of(project: Project, name: str) -> dict[str, Node]:
    """The variables of a service: those of its files, then its own, which win."""
    found: dict[str, Node] = {}
    for file in project.env_files.get(name, ()):
        for item in file.variables or ():
            uses = item.uses if item.value is not None else (Use(item.name, "unset"),)
            found[item.name] = Node(item.value, file.name, item.line, item.name, item.value or "", uses)
    environment = project.services[name].get("environment")
    for key, node in as_pairs(environment).items():
        if node.value is None:  # handed on from where Compose runs
            known = project.variables.get(key)
            uses = (Use(key, "unset" if known is None else "set"),)
            found[key] = Node(known, node.file, node.line, node.path, f"${{{key}}}", uses)
        else:
            found[key] = node
    return found


def _hosts(key: str, service: Node) -> Iterator[str]:
    yield key
    for name in ("container_name", "hostname"):
        if text := service.get(name).text:
            yield text
    for network in service.get("networks").entries.values():
        yield from (item.text for item in network.get("aliases").items if item.text)
