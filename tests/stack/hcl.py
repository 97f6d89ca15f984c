"""Rendered HCL as data, so that tests ask for values and not for text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import tree_sitter_hcl
from tree_sitter import Language, Node, Parser


@dataclass(frozen=True)
class Expression:
    """An expression that is more than a constant, as it is written."""

    text: str


@dataclass(frozen=True)
class Block:
    """A block, or a whole file when ``type`` is empty. Attributes hold plain data or an ``Expression``."""

    type: str
    labels: tuple[str, ...]
    attributes: dict[str, Any]
    blocks: tuple[Block, ...]

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]

    def all(self, *path: str) -> list[Block]:
        """The blocks at ``path``: block types, each followed into all of its kind."""
        found = [block for block in self.blocks if block.type == path[0]]
        return [below for block in found for below in block.all(*path[1:])] if path[1:] else found

    def one(self, *path: str) -> Block:
        """The only block at ``path``."""
        (block,) = self.all(*path)
        return block

    def labelled(self, *labels: str) -> Block:
        """The only block whose labels end with ``labels``."""
        (block,) = [block for block in self.blocks if block.labels[-len(labels) :] == labels]
        return block

    def walk(self) -> Iterator[Block]:
        """This block and all below it."""
        yield self
        for block in self.blocks:
            yield from block.walk()


@lru_cache(maxsize=64)
def parse(text: str) -> Block:
    """Read a file; it has no syntax error."""
    root = syntax(text)
    assert not root.has_error, f"not HCL:\n{text}"
    bodies = [child for child in root.children if child.type == "body"]
    return _body("", (), bodies[0]) if bodies else Block("", (), {}, ())


@lru_cache(maxsize=64)
def syntax(text: str) -> Node:
    """The syntax tree."""
    return _parser().parse(text.encode()).root_node


def nodes(node: Node) -> Iterator[Node]:
    """``node`` and all below it."""
    yield node
    for child in node.children:
        yield from nodes(child)


def source(node: Node) -> str:
    """The text of ``node``."""
    return (node.text or b"").decode()


def references(text: str, root: str) -> set[str]:
    """What follows ``root`` in the file's expressions: ``x`` for each ``var.x``, given ``var``."""
    found = set()
    for node in nodes(syntax(text)):
        if node.type == "variable_expr" and source(node) == root:
            attribute = node.next_sibling
            if attribute is not None and attribute.type == "get_attr":
                found.add(source(attribute).removeprefix("."))
    return found


@lru_cache(maxsize=1)
def _parser() -> Parser:
    return Parser(Language(tree_sitter_hcl.language()))


def _body(kind: str, labels: tuple[str, ...], body: Node | None) -> Block:
    attributes: dict[str, Any] = {}
    blocks = []
    for node in body.children if body is not None else ():
        if node.type == "attribute":
            name = source(node.children[0])
            assert name not in attributes, f"{name} is given twice"
            attributes[name] = value(node.children[-1])
        elif node.type == "block":
            blocks.append(_block(node))
    return Block(kind, labels, attributes, tuple(blocks))


def _block(node: Node) -> Block:
    kind, *labels = [child for child in node.children if child.type in ("identifier", "string_lit")]
    bodies = [child for child in node.children if child.type == "body"]
    return _body(source(kind), tuple(source(label).strip('"') for label in labels), bodies[0] if bodies else None)


def value(node: Node) -> Any:
    """The data that an expression stands for, or an ``Expression``."""
    inner = node
    while inner.type in ("expression", "literal_value", "collection_value") and inner.child_count == 1:
        inner = inner.children[0]
    match inner.type:
        case "string_lit":
            return unquote(source(inner)[1:-1])
        case "numeric_lit":
            return int(source(inner))
        case "bool_lit":
            return source(inner) == "true"
        case "tuple":
            return [value(child) for child in inner.children if child.type == "expression"]
        case "object":
            return dict(_element(child) for child in inner.children if child.type == "object_elem")
        case _:
            return Expression(source(node))


def _element(node: Node) -> tuple[str, Any]:
    key, content = [child for child in node.children if child.type == "expression"]
    return source(key).strip('"'), value(content)


_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt"\\]))|\$\$\{|%%\{')


def unquote(text: str) -> str:
    """The text inside of a quoted string without interpolations, by HCL's specification."""

    def decode(match: re.Match[str]) -> str:
        short, long, name = match.groups()
        if name:
            return {"n": "\n", "r": "\r", "t": "\t"}.get(name, name)
        if not (short or long):
            return match.group()[1:]
        point = int(short or long, 16)
        assert not 0xD800 <= point <= 0xDFFF, f"{match.group()} is half of a character"
        return chr(point)

    return _ESCAPE.sub(decode, text)
