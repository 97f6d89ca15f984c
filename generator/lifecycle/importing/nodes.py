"""A Compose file as a tree of nodes, each with the line that it came from. Pure.

Scalars are read as Compose reads them (YAML 1.2), not as PyYAML does (1.1): ``22:22`` is text and no number, ``yes`` is
a word, and a number keeps the form in which it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml

from generator.base.external import ExternalTextError, read_yaml

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Use:
    """A variable that a text names: ``state`` is set, default, alternative, unset (nothing stands for it), or required
    (Compose itself would stop)."""

    name: str
    state: str

    @property
    def open(self) -> bool:
        """Whether nothing stands for it."""
        return self.state in ("unset", "required")


@dataclass(frozen=True)
class Node:
    """A value of a Compose file: a scalar, a map or a list of nodes.

    ``raw`` is a scalar as it is written, before variables are filled in; ``uses`` names those. ``path`` is where it
    is in the file, such as ``services.app.image``.
    """

    value: Scalar | Mapping[str, Node] | Sequence[Node]
    file: str = ""
    line: int = 0
    path: str = ""
    raw: str = ""
    uses: tuple[Use, ...] = ()

    @property
    def origin(self) -> str:
        """Where it comes from, for people: ``compose.yaml:14 services.app.image``."""
        return " ".join(f"{self.file}:{self.line} {self.path}".split())  # a key may have line breaks

    @property
    def text(self) -> str:
        """A scalar as text; empty for nothing, and for a map or list."""
        if isinstance(self.value, str):
            return self.value
        return "" if self.value is None or self.is_map or self.is_list else self.raw

    @property
    def is_map(self) -> bool:
        """Whether it is a map."""
        return isinstance(self.value, Mapping)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.value, Sequence) and not isinstance(self.value, str)

    @property
    def entries(self) -> Mapping[str, Node]:
        """The entries of a map; none of anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> Sequence[Node]:
        """The items of a list; none of anything else."""
        return self.value if isinstance(self.value, Sequence) and not isinstance(self.value, str) else ()

    @property
    def open(self) -> tuple[str, ...]:
        """The variables in it for which nothing stands."""
        return tuple(dict.fromkeys(use.name for use in self.uses if use.open))

    @property
    def defaults(self) -> tuple[str, ...]:
        """The variables in it for which their default stands."""
        return tuple(dict.fromkeys(use.name for use in self.uses if use.state == "default"))

    def get(self, *keys: str) -> Node:
        """The node at the end of these keys; one with no value where there is none."""
        found = self
        for key in keys:
            found = found.entries.get(key) or Node(None, found.file, found.line, _below(found.path, key))
        return found

    def plain(self) -> Any:
        """The value without lines, as any YAML reader would hand it out."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.items] if self.is_list else self.value

    def flat(self) -> Iterator[Node]:
        """It and all nodes below it."""
        yield self
        for node in (*self.entries.values(), *self.items):
            yield from node.flat()

    def moved(self, path: str) -> Node:
        """The same value at another path."""
        if isinstance(self.value, Mapping):
            entries = {key: node.moved(_below(path, key)) for key, node in self.value.items()}
            return replace(self, path=path, value=entries)
        if self.is_list:
            items = [node.moved(f"{path}[{number}]") for number, node in enumerate(self.items)]
            return replace(self, path=path, value=items)
        return replace(self, path=path)


def read_nodes(text: str | bytes, file: str) -> Node:
    """The tree of a YAML text. Raises ``ExternalTextError`` for what ``read_yaml`` refuses: its bounds hold here."""
    read_yaml(text)
    content = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    root = yaml.compose(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return Node(None, file, 1) if root is None else _node(root, file, "")


def _node(node: yaml.Node, file: str, path: str) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return Node(_entries(node, file, path), file, line, path)
    if isinstance(node, yaml.SequenceNode):
        items = [_node(item, file, f"{path}[{number}]") for number, item in enumerate(node.value)]
        return Node(items, file, line, path)
    return Node(_scalar(node), file, line, path, raw=str(node.value))


def _entries(node: yaml.MappingNode, file: str, path: str) -> dict[str, Node]:
    """A map's own entries, and those that ``<<`` brings from others: its own win, then the first that names one."""
    own: dict[str, Node] = {}
    merged: dict[str, Node] = {}
    for key, value in node.value:
        name = key.value
        if not isinstance(name, str):
            raise ExternalTextError("a key is a list or a map", key.start_mark.line + 1)
        if name == "<<" and not key.style:
            for other in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(other, yaml.MappingNode):
                    raise ExternalTextError("<< takes a map, or a list of maps", key.start_mark.line + 1)
                merged = {**_entries(other, file, path), **merged}
            continue
        found = _node(value, file, _below(path, name))
        own[name] = found if found.value is not None else replace(found, line=key.start_mark.line + 1)
    return {**merged, **own}


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


_NULLS = ("", "~", "null", "Null", "NULL")
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,18})", re.ASCII)
_FLOAT = re.compile(r"[+-]?[0-9]{1,18}\.[0-9]{1,18}", re.ASCII)


def _scalar(node: yaml.Node) -> Scalar:
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style:  # in quotes, or over several lines
        return text
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
