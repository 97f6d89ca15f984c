"""Routers of Traefik, from a service's labels. Pure; ``templates/import.yml`` knows what the labels are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from generator.lifecycle.importing.conventions import Conventions, expression
from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.sizes import number

_LONGEST = 2000
"""No rule is longer, and matching stays quick."""


class Route(NamedTuple):
    """A host of a router, and the paths of it that are meant; none for all."""

    host: str
    paths: tuple[str, ...]
    node: Node


def routes(labels: Mapping[str, Node], conventions: Conventions) -> Iterator[Route]:
    """The hosts that a service answers under."""
    for name, node in labels.items():
        if not conventions.fits("traefik", "rule", text=name):
            continue
        rule = node.text[:_LONGEST]
        paths = tuple(_found(conventions.value("traefik", "paths"), rule))
        for host in _found(conventions.value("traefik", "hosts"), rule):
            yield Route(host, paths, node)


def server_port(labels: Mapping[str, Node], conventions: Conventions) -> Node | None:
    """The container's port that Traefik sends requests to."""
    named = (node for name, node in labels.items() if conventions.fits("traefik", "port", text=name))
    return next((node for node in named if number(node.text) is not None), None)


def exposed(labels: Mapping[str, Node], conventions: Conventions) -> bool:
    """Whether Traefik has it behind itself."""
    named = [(name, node) for name, node in labels.items() if conventions.fits("traefik", "names", text=name)]
    switches = [node for name, node in named if conventions.fits("traefik", "switch", text=name)]
    return bool(named) and not any(node.text.lower() == "false" for node in switches)


def _found(pattern: str, rule: str) -> Iterator[str]:
    """The words in what the first group of an expression that took part says, wherever the rule has it."""
    for found in expression(pattern).finditer(rule):
        text = next((group for group in found.groups() if group), "")
        yield from (word for part in text.split(",") if (word := part.strip(" `'\"\t")))
