"""YAML that people and other programs wrote, read without letting a small text become a huge one. Pure."""

from __future__ import annotations

import re
from typing import Any

import yaml

MOST = 10_000
"""Values that a text may come to with its aliases written out; one without aliases may have any number."""


class TooLargeError(yaml.YAMLError):
    """Aliases of aliases: the text is short, and its value is huge."""


def load_yaml(text: str | bytes) -> Any:
    """What a YAML text says.

    An ordinary text is read by libyaml, ten times as fast, where PyYAML was built with it. One with anchors, or nested
    so deeply that libyaml's recursion could exhaust the stack and kill the process, is read by PyYAML itself.

    Raises ``yaml.YAMLError`` for what is none, and ``TooLargeError``, which is one, for aliases beyond ``MOST``;
    as PyYAML does, ``ValueError`` for a date that is none and ``RecursionError`` for what is nested too deeply.
    """
    content = text.encode() if isinstance(text, str) else text
    flow = content.count(b"[") + content.count(b"{")
    ordinary = len(content) <= _ORDINARY and flow <= _DEEP and b"&" not in content and not _RUN.search(content)
    return yaml.load(text, Loader=_FAST) if ordinary else _load_with_care(text)  # noqa: S506 - either is a safe one


def _load_with_care(text: str | bytes) -> Any:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        sizes: dict[int, int] = {}
        size = _size(node, sizes)
        if size > MOST and size > len(sizes):  # before values are built: merge keys multiply there
            raise TooLargeError(f"its aliases come to more than {MOST} values; write them out, or leave them out")
        return loader.construct_document(node)
    finally:
        loader.dispose()


_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEP = 300
_ORDINARY = 64 * 1024
"""Each level of indentation takes a column on every line below it: more than a few hundred need a longer text."""
_RUN = re.compile(rb"(?:[-?:][ \t]+){20}")
"""Levels on one line."""


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many values a node comes to, each counted as often as it occurs; ``sizes`` has those that are known."""
    known = sizes.get(id(node))
    if known is not None:
        return known
    sizes[id(node)] = 1  # in itself: what holds itself is refused where answers have no place for it
    parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    total = 1 + sum(_size(part, sizes) for part in parts) if isinstance(node, yaml.CollectionNode) else 1
    sizes[id(node)] = total
    return total
