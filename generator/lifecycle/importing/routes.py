"""Routers of Traefik, from a service's labels. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from generator.lifecycle.importing.nodes import Node
from generator.lifecycle.importing.sizes import number

_LONGEST = 2000
"""No rule is longer, and matching stays quick."""

_RULE = re.compile(
    r"traefik\.(?:http|tcp|udp)\.routers\.([^.]+)\.rule|traefik(?:\.[^.]+)?\.frontend\.rule", re.IGNORECASE
)
_HOSTS = re.compile(r"Host(?:SNI)?\s*(?:\(([^)]*)\)|:\s*([^;&|]+))", re.IGNORECASE)
_PATHS = re.compile(r"Path(?:Prefix)?\s*\(([^)]*)\)", re.IGNORECASE)
_SERVER_PORT = re.compile(
    r"traefik\.http\.services\.[^.]+\.loadbalancer\.server\.port|traefik(?:\.[^.]+)?\.port", re.IGNORECASE
)


class Route(NamedTuple):
    """A host of a router, and the paths of it that are meant; none for all."""

    host: str
    paths: tuple[str, ...]
    node: Node


def routes(labels: Mapping[str, Node]) -> Iterator[Route]:
    """The hosts that a service answers under."""
    for name, node in labels.items():
        if not _RULE.fullmatch(name):
            continue
        rule = node.text[:_LONGEST]
        paths = tuple(word for found in _PATHS.finditer(rule) for word in _words(found[1]))
        for found in _HOSTS.finditer(rule):
            for host in _words(found[1] or found[2] or ""):
                yield Route(host, paths, node)


def server_port(labels: Mapping[str, Node]) -> Node | None:
    """The container's port that Traefik sends requests to."""
    return next(
        (node for name, node in labels.items() if _SERVER_PORT.fullmatch(name) and number(node.text) is not None), None
    )


def exposed(labels: Mapping[str, Node]) -> bool:
    """Whether Traefik has it behind itself."""
    on = labels.get("traefik.enable")
    return any(name.startswith("traefik.") for name in labels) and (on is None or on.text.lower() != "false")


def _words(text: str) -> list[str]:
    return [word for word in (part.strip(" `'\"\t") for part in text.split(",")) if word]
