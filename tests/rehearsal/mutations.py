"""Single changes to golden stacks: one literal somewhere in a file of Terraform's, by a seed."""

from __future__ import annotations

import posixpath
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from generator.infra_repo.hcl import Block, parse

from .stacks import Tree, golden


@dataclass(frozen=True)
class Literal:
    """A literal: where it is in a file, its text, and its path in its block, such as ``spec[0].replicas``.

    ``ignored``: paths that the lifecycle of its block ignores.
    """

    file: str
    block: tuple[str, ...]
    path: str
    start: int
    end: int
    text: str
    kind: str
    ignored: tuple[str, ...]

    @property
    def address(self) -> str:
        """The address of its block, empty for what is no resource's or module's."""
        kind, *labels = self.block
        return ".".join(labels) if kind == "resource" else ".".join(self.block) if kind == "module" else ""

    @property
    def covered(self) -> bool:
        """Whether the lifecycle of its block ignores it."""
        return _covered(self.path, self.ignored)


def _covered(path: str, ignored: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in ignored)


@dataclass(frozen=True)
class Mutation:
    """One literal of a stack, and what it becomes."""

    case: str
    literal: Literal
    text: str

    def __str__(self) -> str:
        place = f"{'.'.join(self.literal.block)}: {self.literal.path}"
        return f"{self.literal.file}: {place}: {self.literal.text} -> {self.text}"

    @property
    def before(self) -> Tree:
        """The golden stack."""
        return golden(self.case)

    @property
    def after(self) -> Tree:
        """The stack with the change."""
        content = self.before.content[self.literal.file]
        changed = content[: self.literal.start] + self.text.encode() + content[self.literal.end :]
        return self.before.having({self.literal.file: changed.decode()})


def mutations(seed: int, number: int, cases: list[str]) -> Iterator[Mutation]:
    """So many changes, each to a golden stack of one of these cases."""
    chosen = random.Random(seed)
    known = {case: [item for item in literals(case) if _matters(item)] for case in cases}
    for _ in range(number):
        case = chosen.choice(cases)
        literal = chosen.choice(known[case])
        yield Mutation(case, literal, _other(literal, chosen))


_OWN = ("source", "lifecycle", "depends_on", "timeouts", "count", "for_each", "provider")
"""Arguments of Terraform's own."""


def _matters(literal: Literal) -> bool:
    """Whether a literal is a value of something that is applied."""
    return literal.block[0] in ("resource", "module", "locals") and _first(literal.path) not in _OWN


def _first(path: str) -> str:
    return re.split(r"[.\[]", path)[0]


def without_effect(mutation: Mutation) -> str:
    """Why a change of this literal may change nothing; empty where it must.

    Either a lifecycle ignores every place that it comes to, or the module never looks at it.
    """
    literal, texts = mutation.literal, mutation.before.content
    if literal.covered:
        return "ignored"
    if literal.block[0] == "module":
        words = re.findall(r"\w+", literal.path)
        called = posixpath.normpath(posixpath.join(posixpath.dirname(literal.file), _source(mutation)))
        module = "".join(texts[path].decode() for path in texts if posixpath.dirname(path) == called)
        read = (f"var.{words[0]}", *(f".{word}" for word in words[1:]))
        unread = [name for name in read if not re.search(rf"{re.escape(name)}\b", module)]
        return "unused" if unread else ""
    if literal.block[0] == "locals":
        uses = list(_uses(mutation.case, f"local.{_first(literal.path)}"))
        return "ignored" if uses and all(_covered(path, ignored) for path, ignored in uses) else ""
    return ""


def _source(mutation: Mutation) -> str:
    document = parse(mutation.before.content[mutation.literal.file].decode())
    found = {path: settings["source"] for path, settings in document.settings(["module", "*"])}
    source = found[mutation.literal.block]
    assert source
    return source[0]


def _uses(case: str, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where a local value is used: paths in blocks, with what their lifecycles ignore."""
    for _, block in _blocks(case):
        for path, node in _leaves(block.node, ""):
            if re.search(rf"\b{re.escape(name)}\b", _text(node)):
                yield path, tuple(_ignored(block.node))


def _other(literal: Literal, chosen: random.Random) -> str:
    if literal.kind == "bool_lit":
        return "false" if literal.text == "true" else "true"
    if literal.kind == "numeric_lit":
        return str(int(literal.text) + chosen.randint(1, 9))
    at = chosen.randrange(len(literal.text) + 1)
    digits = [index for index, letter in enumerate(literal.text) if letter.isdigit()]
    if digits:
        at = chosen.choice(digits)
        other = chosen.choice([digit for digit in "123456789" if digit != literal.text[at]])
        return literal.text[:at] + other + literal.text[at + 1 :]
    return literal.text[:at] + chosen.choice("qxz") + literal.text[at:]


def literals(case: str) -> Iterator[Literal]:
    """The literals of a golden stack: parts of texts, numbers and truth values."""
    for file, block in _blocks(case):
        ignored = tuple(_ignored(block.node))
        for path, leaf in _leaves(block.node, ""):
            for node in _values(leaf):
                yield Literal(file, block.path, path, node.start_byte, node.end_byte, _text(node), node.type, ignored)


def _blocks(case: str) -> Iterator[tuple[str, Block]]:
    for file, content in golden(case).content.items():
        if file.startswith(f"stacks/{case}/") and file.endswith(".tf"):
            document = parse(content.decode())
            for labels in range(3):
                yield from ((file, block) for block in document.blocks(["*"] * (labels + 1)))


def _leaves(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """The expressions below a block with their paths, through maps that are written out."""
    seen: Counter[str] = Counter()
    for child in node.children:
        if child.type == "attribute":
            yield from _expression(child.children[-1], f"{path}.{_text(child.children[0])}".lstrip("."))
        elif child.type == "block":
            name = _text(child.children[0])
            yield from _leaves(child, f"{path}.{name}[{seen[name]}]".lstrip("."))
            seen[name] += 1
        elif child.type == "body":
            yield from _leaves(child, path)


def _expression(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    elements = [one for one in _descendants(node) if one.type == "object_elem"]
    if node.type == "object_elem" or not elements:
        yield path, node
        return
    for element in elements:
        if element.parent and _within_element(element, node):
            continue
        key, value = element.children[0], element.children[-1]
        yield from _expression(value, f'{path}["{_text(key).strip(chr(34))}"]')


def _within_element(element: Node, node: Node) -> bool:
    """Whether an element of a map is in another one, below a node."""
    parent = element.parent
    while parent is not None and parent != node:
        if parent.type == "object_elem":
            return True
        parent = parent.parent
    return False


def _descendants(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from _descendants(child)


def _values(node: Node) -> Iterator[Node]:
    if node.type in ("numeric_lit", "bool_lit", "template_literal"):
        yield node
    elif "index" not in node.type and node.type not in ("conditional", "for_expr"):
        for child in node.children:
            yield from _values(child)


def _ignored(node: Node) -> Iterator[str]:
    text = re.sub(r"#[^\n]*", "", _text(node))
    at = text.find("ignore_changes")
    if at >= 0:
        inner = text[text.index("[", at) + 1 :]
        depth, found = 1, ""
        for letter in inner:
            depth += {"[": 1, "]": -1}.get(letter, 0)
            if depth == 0 or (depth == 1 and letter == ","):
                if found.strip():
                    yield found.strip()
                found = ""
                if depth == 0:
                    return
            else:
                found += letter


def _text(node: Node) -> str:
    return (node.text or b"").decode()
