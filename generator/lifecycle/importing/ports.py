"""The ports of a container, in every form that Compose has for them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from generator.lifecycle.importing.nodes import Node

_MOST = 100
"""Ports of a range that are looked at one by one."""

_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", re.ASCII)


class Port(NamedTuple):
    """A port of the container. ``published``: the host's port for it, as text; ``exposed``: no port of the host is."""

    target: int
    protocol: str
    node: Node
    published: str = ""
    exposed: bool = False


def ports_of(service: Node) -> Iterator[Port]:
    """The ports that a service publishes, then those that it exposes to others. What is no port is left out."""
    for item in service.get("ports").items:
        yield from _published(item)
    for item in service.get("expose").items:
        number, _, protocol = item.text.partition("/")
        for target in _numbers(number):
            yield Port(target, protocol or "tcp", item, exposed=True)


def unread(service: Node) -> Iterator[Node]:
    """Entries of ``ports`` that say no number."""
    return (item for item in service.get("ports").items if not any(True for _ in _published(item)))


def _published(item: Node) -> Iterator[Port]:
    if item.is_map:
        published = item.get("published").text
        for target in _numbers(item.get("target").text):
            yield Port(target, item.get("protocol").text or "tcp", item, published)
        return
    text, _, protocol = item.text.partition("/")
    parts = text.rpartition(":")
    published = parts[0].rpartition(":")[2] if parts[1] else ""
    for target in _numbers(parts[2]):
        yield Port(target, protocol or "tcp", item, published)


def _numbers(text: str) -> list[int]:
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return []
    first, last = int(found[1]), int(found[2] or found[1])
    return [number for number in range(first, min(last, first + _MOST) + 1) if 0 < number <= 65535]
