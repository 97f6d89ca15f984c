"""What ``extends`` makes of two services: the Compose Specification's rules of merging. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from generator.lifecycle.importing.nodes import Node

_REPLACED = ("command", "entrypoint", "test")
_PAIRS = ("environment", "labels", "annotations", "extra_hosts", "args", "sysctls")
"""Maps that may be written as lists of pairs."""

_NOT_INHERITED = ("extends", "depends_on", "links", "volumes_from", "network_mode")


def extended(base: Node, own: Node) -> Node:
    """A service on the basis of another one."""
    kept = {key: node for key, node in base.entries.items() if key not in _NOT_INHERITED}
    mine = {key: node for key, node in own.entries.items() if key != "extends"}
    return _merged(replace(base, value=kept), replace(own, value=mine)).moved(own.path)


def _merged(base: Node, own: Node) -> Node:
    entries = dict(base.entries)
    for key, node in own.entries.items():
        entries[key] = _both(key, entries[key], node) if key in entries else node
    return replace(own, value=entries)


def _both(key: str, base: Node, own: Node) -> Node:
    if own.value is None or key in _REPLACED:
        return own
    if key in _PAIRS:
        return replace(own, value={**as_pairs(base), **as_pairs(own)})
    if base.is_map and own.is_map:
        return _merged(base, own)
    if base.is_list and own.is_list:
        targets = {_target(node) for node in own.items} if key in ("volumes", "devices") else set()
        return replace(own, value=[*(node for node in base.items if _target(node) not in targets), *own.items])
    return own


def as_pairs(node: Node) -> Mapping[str, Node]:
    """A map, or the same written as a list of ``NAME=VALUE``; a name alone has no value."""
    if not node.is_list:
        return node.entries
    found = {}
    for item in node.items:
        name, equals, value = item.text.partition("=")
        raw = item.raw.partition("=")[2]
        path = f"{node.path}.{name}"
        found[name] = replace(item, value=value if equals else None, raw=raw, path=path)
    return found


def _target(node: Node) -> str:
    """The path in the container that a mount is at."""
    if node.is_map:
        return node.get("target").text
    parts = node.text.split(":")
    return parts[1] if len(parts) > 1 else parts[0]
