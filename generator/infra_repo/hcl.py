"""HCL read with tree-sitter; the one module that imports it. Offsets are bytes of the UTF-8 text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from itertools import islice
from typing import Literal

import tree_sitter_hcl
from tree_sitter import Language, Node, Parser, Query, QueryCursor

from generator.infra_repo.hcl_strings import unquote

LARGEST = 1 << 18
"""Bytes of a file."""
DEEPEST = 400
"""Levels of the syntax tree, which has three or four for a list in a list: what walks through it is recursive."""
SMALL = 1 << 14
"""Characters up to which many documents are kept: a syntax tree takes some thirty times its text."""
LONGEST_SPACE = 500
"""Blanks and line ends in a row: recovering from an error, tree-sitter looks from each of them to the end of all."""

MOST_CHAINED = 100
"""Signs that assign without a value (`a = b =`): recovery from them takes a time that grows with their square."""

_CHAIN = re.compile(r"=\s*[\w-]+\s*(?==(?![=>~]))")
_SPACE = re.compile(rf"\s{{{LONGEST_SPACE + 1}}}")


class HclSyntaxError(Exception):
    """The text is not HCL, or beyond a bound; ``line`` (from 1) is where the first fault is."""

    def __init__(self, line: int, reason: str = "") -> None:
        super().__init__(reason or f"it can't be read as HCL from line {line} on")
        self.line = line


@dataclass(frozen=True)
class Comment:
    """A comment with its text as written, markers included."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Element:
    """An item of a list (no key) or an entry of a map; ``comma`` is the end of the comma behind it.

    ``key`` and ``value`` are None where they are not plain strings.
    """

    start: int
    end: int
    value_start: int
    comma: int | None
    key: str | None
    value: str | None

    @property
    def stop(self) -> int:
        """End of the element with its comma."""
        return self.end if self.comma is None else self.comma


@dataclass(frozen=True)
class Container:
    """A list or map expression; ``opened`` is behind its opening bracket, ``closing`` at its closing one."""

    kind: Literal["list", "map"]
    opened: int
    closing: int
    elements: tuple[Element, ...]


@dataclass(frozen=True)
class Block:
    """A top-level block: type and labels, and its tokens without comments and spacing."""

    path: tuple[str, ...]
    start: int
    end: int
    node: Node = field(repr=False, compare=False)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The tokens, read on first use: most blocks of a shared file are other people's."""
        return tuple(_tokens(self.node))


Setting = tuple[str, ...] | None
"""What a setting is: one plain string, the plain strings of a list, or None where it is not written out."""


@dataclass(frozen=True)
class Text:
    """A value as written, interpolations included; ``key`` joins the names that lead to it within its block.

    The ``value`` beside a plain ``name`` goes by that name, as environment variables do.
    """

    block: tuple[str, ...]
    key: str
    text: str


@dataclass(frozen=True)
class Document:
    """A parsed file."""

    data: bytes
    root: Node
    comments: tuple[Comment, ...]

    def blocks(self, pattern: Sequence[str]) -> list[Block]:
        """The top-level blocks whose type and labels match ``pattern`` (shell wildcards), in order."""
        return [
            _block(node, path)
            for node, path in _blocks(self.root)
            if len(path) == len(pattern) and all(map(fnmatchcase, path, pattern))
        ]

    def settings(self, pattern: Sequence[str]) -> list[tuple[tuple[str, ...], dict[str, Setting]]]:
        """Path and settings of the blocks that match ``pattern``; nested names are joined by dots."""
        return [
            (path, dict(_settings(node)))
            for node, path in _blocks(self.root)
            if len(path) == len(pattern) and all(map(fnmatchcase, path, pattern))
        ]

    def texts(self) -> Iterator[Text]:
        """Every string, template, number and reference in a block, in order; comments are none of them."""
        for block, path in _blocks(self.root):
            for names, node in _leaves(block):
                yield Text(path, ".".join(names), _content(node))

    def containers(self, place: Sequence[str]) -> list[Container | None]:
        """What is at ``place``: a container, or None if it is none.

        ``place``: block type, labels, nested names, attribute; then maybe keys of maps and names of functions whose
        arguments are meant, through every item of a list.
        """
        return [_container(node) for node in _descend(self.root, tuple(place))]

    def heredocs(self, place: Sequence[str]) -> list[list[tuple[int, int]]]:
        """For each attribute at ``place``: where the texts of the heredocs in its value begin and end."""
        return [
            [_inside(node) for node in _walk(value) if node.type == "heredoc_template"]
            for value in _descend(self.root, tuple(place))
        ]


@lru_cache(maxsize=1)
def _language() -> Language:
    return Language(tree_sitter_hcl.language())


@lru_cache(maxsize=1)
def _parser() -> Parser:
    return Parser(_language())


@lru_cache(maxsize=1)
def _comments() -> Query:
    return Query(_language(), "(comment) @found")


def parse(text: str) -> Document:
    """Parse ``text``. Raises ``HclSyntaxError``."""
    found = _small(text) if len(text) <= SMALL else _large(text)
    if isinstance(found, HclSyntaxError):
        raise HclSyntaxError(found.line, str(found))
    return found


def _parsed(text: str) -> Document | HclSyntaxError:
    """The document, or why there is none: that may have taken longer, and is remembered too."""
    try:
        return _read(text)
    except HclSyntaxError as error:
        return error


# A plan looks at each text several times, with each of the entries that it gets; parsing costs a millisecond per KiB.
_small = lru_cache(maxsize=128)(_parsed)
_large = lru_cache(maxsize=16)(_parsed)


def _read(text: str) -> Document:
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise HclSyntaxError(text.count("\n", 0, error.start) + 1) from None
    if len(data) > LARGEST:
        raise HclSyntaxError(1, f"it is larger than {LARGEST >> 10} KiB")
    if found := _SPACE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise HclSyntaxError(
            line, f"it has more than {LONGEST_SPACE} blanks and line ends in a row from line {line} on"
        )
    chained = [found.start() for found in islice(_CHAIN.finditer(text), MOST_CHAINED + 1)]
    if len(chained) > MOST_CHAINED:
        raise HclSyntaxError(text.count("\n", 0, chained[0]) + 1)
    root = _parser().parse(data).root_node
    if root.has_error:
        raise HclSyntaxError(_first_error(root).start_point.row + 1)
    _check_depth(root)
    comments = sorted(QueryCursor(_comments()).captures(root).get("found", ()), key=lambda node: node.start_byte)
    return Document(data, root, tuple(map(_comment, comments)))


def _check_depth(root: Node) -> None:
    if root.descendant_count <= DEEPEST:
        return
    level = [root]
    for _ in range(DEEPEST):
        level = [child for node in level for child in node.children]
        if not level:
            return
    line = level[0].start_point.row + 1
    raise HclSyntaxError(line, f"it is nested too deeply at line {line}")


def _comment(node: Node) -> Comment:
    text = _text(node).rstrip("\r")  # the grammar counts half of a CRLF to the comment
    return Comment(node.start_byte, node.start_byte + len(text.encode()), text)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _walk(node: Node) -> Iterator[Node]:
    # Deep nesting must not meet Python's recursion limit.
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(current.children))


def _first_error(root: Node) -> Node:
    return next((node for node in _walk(root) if node.is_error or node.is_missing), root)


def _blocks(parent: Node) -> Iterator[tuple[Node, tuple[str, ...]]]:
    for body in parent.children:
        if body.type == "body":
            for node in body.children:
                if node.type == "block":
                    yield node, tuple(_labels(node))


def _labels(block: Node) -> Iterator[str]:
    for child in block.children:
        if child.type == "identifier":
            yield _text(child)
        elif child.type == "string_lit":
            yield unquote(_text(child)[1:-1])


def _block(node: Node, path: tuple[str, ...]) -> Block:
    return Block(path, node.start_byte, node.end_byte, node)


def _tokens(node: Node) -> Iterator[str]:
    """The leaves without comments; spacing means nothing, except inside templates, which are taken whole."""
    if node.type in ("string_lit", "quoted_template", "heredoc_template") or not node.children:
        if node.type != "comment":
            yield _text(node).replace("\r\n", "\n")
        return
    for child in node.children:
        yield from _tokens(child)


def _descend(parent: Node, place: tuple[str, ...]) -> Iterator[Node]:
    """The value nodes at ``place`` below a file or block."""
    for body in parent.children:
        for node in body.children if body.type == "body" else ():
            if node.type == "attribute" and _text(node.children[0]) == place[0]:
                yield from _within(node.children[-1], place[1:])
    for node, path in _blocks(parent):
        if place[: len(path)] == path and len(place) > len(path):
            yield from _descend(node, place[len(path) :])


def _within(expression: Node, names: tuple[str, ...]) -> Iterator[Node]:
    """The values at ``names`` inside of an expression."""
    node = _bare(expression)
    if not names:
        yield expression
    elif node.type == "tuple":
        for item in _expressions(node):
            yield from _within(item, names)
    elif node.type == "object":
        for value in (value for key, value in _entries(node) if key == names[0]):
            yield from _within(value, names[1:])
    elif node.type == "function_call" and _text(node.children[0]) == names[0]:
        inner = (item for part in node.children if part.type == "function_arguments" for item in _expressions(part))
        for item in (item for item in inner if names[1:] or _container(item)):  # a separator is no place
            yield from _within(item, names[1:])


def _expressions(node: Node) -> list[Node]:
    return [child for child in node.children if child.type == "expression"]


def _settings(block: Node, prefix: str = "") -> Iterator[tuple[str, Setting]]:
    for name, node in _entries(_body(block)):
        if node.type == "body":
            yield from _settings(node, f"{prefix}{name}.")
            continue
        container = _container(node)
        yield prefix + name, _setting(node, container)
        for element in container.elements if container and container.kind == "map" else ():
            if element.key is not None and element.value is not None:
                yield f"{prefix}{name}.{element.key}", (element.value,)


def _setting(expression: Node, container: Container | None) -> Setting:
    plain = _literal(expression)
    if plain is not None:
        return (plain,)
    if container is None or container.kind == "map":
        return None
    values = [element.value for element in container.elements]
    return None if None in values else tuple(value for value in values if value is not None)


def _body(block: Node) -> Node:
    return next((child for child in block.children if child.type == "body"), block)


def _entries(parent: Node) -> Iterator[tuple[str, Node]]:
    """The entries of a body or map: names, and the value's expression or the nested block's body."""
    for node in parent.children:
        if node.type == "attribute":
            yield _text(node.children[0]), node.children[-1]
        elif node.type == "block":
            yield ".".join(_labels(node)), _body(node)
        elif node.type == "object_elem":
            expressions = [child for child in node.children if child.type == "expression"]
            yield _literal(expressions[0], bare=True) or "", expressions[-1]


def _leaves(block: Node) -> Iterator[tuple[tuple[str, ...], Node]]:
    pending: list[tuple[tuple[str, ...], Node]] = [((), _body(block))]
    while pending:
        names, node = pending.pop()
        reference = node.type == "expression" and node.children[0].type == "variable_expr"
        if reference or node.type in ("string_lit", "quoted_template", "heredoc_template", "numeric_lit"):
            yield names, node
            continue
        inner = [(names, child) for child in node.children]
        if node.type in ("body", "object"):
            entries = list(_entries(node))
            label = next((_literal(value) for name, value in entries if name == "name"), None)
            inner = [((*names, label if label and name == "value" else name), value) for name, value in entries]
        pending.extend(reversed(inner))


def _inside(heredoc: Node) -> tuple[int, int]:
    marks = [child for child in heredoc.children if child.type == "heredoc_identifier"]
    return marks[0].end_byte, marks[-1].start_byte


def _content(node: Node) -> str:
    text = _text(node)
    if node.type == "string_lit":
        return unquote(text[1:-1])
    return text[1:-1] if node.type == "quoted_template" else text


def _bare(expression: Node) -> Node:
    """What an expression is, without the nodes around it."""
    node = expression
    while node.type in ("expression", "collection_value") and node.child_count == 1:
        node = node.children[0]
    return node


def _container(expression: Node) -> Container | None:
    node = _bare(expression)
    kinds: dict[str, Literal["list", "map"]] = {"tuple": "list", "object": "map"}
    kind = kinds.get(node.type)
    if kind is None:
        return None
    children = [child for child in node.children if child.type != "comment"]
    elements = []
    for child, following in zip(children, [*children[1:], None], strict=True):
        if child.type in ("expression", "object_elem"):
            comma = following.end_byte if following is not None and following.type == "," else None
            elements.append(_element(child, comma))
    return Container(kind, children[0].end_byte, children[-1].start_byte, tuple(elements))


def _element(node: Node, comma: int | None) -> Element:
    if node.type == "expression":
        return Element(node.start_byte, node.end_byte, node.start_byte, comma, None, _literal(node))
    expressions = [child for child in node.children if child.type == "expression"]
    key, value = expressions[0], expressions[-1]
    return Element(node.start_byte, node.end_byte, value.start_byte, comma, _literal(key, bare=True), _literal(value))


def _literal(expression: Node, bare: bool = False) -> str | None:
    """The string that an expression is, when it is a plain one; ``bare``: an identifier counts, as map keys do."""
    node = expression
    while node.type in ("expression", "literal_value", "variable_expr") and node.child_count == 1:
        node = node.children[0]
    if node.type == "string_lit":
        return unquote(_text(node)[1:-1])
    return _text(node) if bare and node.type == "identifier" else None
