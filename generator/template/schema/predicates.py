"""What an expression says of the value of one answer, as a schema of that value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from generator.template.schema.logic import Schema

Constant = Callable[[nodes.Node], Any]
"""The value of an expression that depends on no answer; raises ``nodes.Impossible`` where it depends on one."""


@dataclass(frozen=True)
class Predicate:
    """A statement about one value: as a schema, and as a function for values that are known already."""

    schema: Schema
    holds: Callable[[Any], bool]

    @property
    def negation(self) -> Predicate:
        """The opposite."""
        return Predicate({"not": self.schema}, lambda value: not self.holds(value))


def predicate(node: nodes.Node, constant: Constant) -> tuple[str, Predicate] | None:
    """The question that ``node`` is about, and what it says of its answer; None where that is no schema."""
    if isinstance(node, nodes.Test) and isinstance(node.node, nodes.Name) and node.name in _TYPES:
        return node.node.name, _TYPES[node.name]
    if not isinstance(node, nodes.Compare) or len(node.ops) != 1:
        return None
    try:
        return _compared(node.expr, node.ops[0], constant)
    except nodes.Impossible:
        return None


def _compared(left: nodes.Expr, operand: nodes.Operand, constant: Constant) -> tuple[str, Predicate] | None:
    try:
        said = _against(operand.op, constant(operand.expr))
    except nodes.Impossible:
        if not isinstance(operand.expr, nodes.Name) or operand.op not in ("in", "notin"):
            raise
        inside = _has_key(constant(left))
        return operand.expr.name, inside if operand.op == "in" else inside.negation
    if isinstance(left, nodes.Name):
        return left.name, said
    if operand.op in ("eq", "ne") and constant(operand.expr) == []:
        found = _some_item(left, constant)
        return found and (found[0], found[1] if operand.op == "ne" else found[1].negation)
    return _member(left, said, constant)


def _against(operator: str, value: Any) -> Predicate:
    """A value compared with a constant."""
    if operator in ("eq", "ne"):
        same = one_of([value])
        return same if operator == "eq" else same.negation
    if operator in ("in", "notin"):
        listed = one_of(list(value))
        return listed if operator == "in" else listed.negation
    word, holds = _ORDER[operator]
    return Predicate({"type": "number", word: value}, lambda given: bool(holds(given, value)))


_ORDER: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "lt": ("exclusiveMaximum", lambda given, limit: given < limit),
    "lteq": ("maximum", lambda given, limit: given <= limit),
    "gt": ("exclusiveMinimum", lambda given, limit: given > limit),
    "gteq": ("minimum", lambda given, limit: given >= limit),
}


def one_of(values: Sequence[Any]) -> Predicate:
    """The value is one of these."""
    schema = {"const": values[0]} if len(values) == 1 else {"enum": list(values)}
    return Predicate(schema, lambda given: any(type(given) is type(item) and given == item for item in values))


def _of_type(name: str, holds: Callable[[Any], bool]) -> Predicate:
    return Predicate({"type": name}, holds)


_TYPES = {
    "integer": Predicate({"type": ["integer", "boolean"]}, lambda value: isinstance(value, int)),  # as Jinja has it
    "boolean": _of_type("boolean", lambda value: isinstance(value, bool)),
    "mapping": _of_type("object", lambda value: isinstance(value, dict)),
    "string": _of_type("string", lambda value: isinstance(value, str)),
}


def _has_key(key: Any) -> Predicate:
    """``'KEY' in answer``, for maps."""
    return Predicate({"type": "object", "required": [key]}, lambda value: isinstance(value, dict) and key in value)


def _member(node: nodes.Expr, said: Predicate, constant: Constant) -> tuple[str, Predicate] | None:
    """``answer.key | default(...)`` compared: of what is no map, and of a map without the key, the default speaks."""
    if not isinstance(node, nodes.Filter) or node.name != "default" or not isinstance(node.node, nodes.Getattr):
        return None
    if not isinstance(node.node.node, nodes.Name) or len(node.args) != 1:
        return None
    key, default = node.node.attr, constant(node.args[0])
    schema: dict[str, Any] = {"properties": {key: said.schema}}
    if not said.holds(default):
        schema = {"type": "object", **schema, "required": [key]}

    def holds(value: Any) -> bool:
        return said.holds(value.get(key, default) if isinstance(value, dict) else default)

    return node.node.node.name, Predicate(schema, holds)


def _some_item(node: nodes.Expr, constant: Constant) -> tuple[str, Predicate] | None:
    """``answer | map(attribute=..., default=...) | select('in', [...]) | list``, or the same with ``selectattr``."""
    chain = _filters(node)
    if chain is None:
        return None
    name, filters = chain
    found = _mapped(filters, constant) or _selected(filters, constant)
    if found is None:
        return None
    key, values, default = found
    item: dict[str, Any] = {"type": "object", "properties": {key: {"enum": values}}}
    if default not in values:
        item["required"] = [key]

    def holds(value: Any) -> bool:
        return any(item.get(key, default) in values for item in value)

    return name, Predicate({"type": "array", "contains": item}, holds)


def _filters(node: nodes.Expr) -> tuple[str, list[nodes.Filter]] | None:
    """The answer at the beginning of a chain that ends in ``list``, and the filters between."""
    chain: list[nodes.Filter] = []
    current: nodes.Node | None = node
    while isinstance(current, nodes.Filter):
        chain.insert(0, current)
        current = current.node
    if not isinstance(current, nodes.Name) or not chain or chain[-1].name != "list":
        return None
    return current.name, chain[:-1]


def _mapped(chain: list[nodes.Filter], constant: Constant) -> tuple[str, list[Any], Any] | None:
    if [item.name for item in chain] != ["map", "select"] or chain[0].args or len(chain[1].args) != 2:
        return None
    words = {str(item.key): constant(item.value) for item in chain[0].kwargs}
    test, operand = (constant(item) for item in chain[1].args)
    values = _values(test, operand)
    if set(words) != {"attribute", "default"} or values is None:
        return None
    return words["attribute"], values, words["default"]


def _selected(chain: list[nodes.Filter], constant: Constant) -> tuple[str, list[Any], Any] | None:
    arguments = [[constant(item) for item in link.args] for link in chain if link.name == "selectattr"]
    if len(arguments) != len(chain) or len(chain) != 2 or arguments[0][1:] != ["defined"] or len(arguments[1]) != 3:
        return None
    key, test, operand = arguments[1]
    values = _values(test, operand)
    if arguments[0][0] != key or values is None:
        return None
    return key, values, None


def _values(test: str, operand: Any) -> list[Any] | None:
    values: dict[str, list[Any]] = {"in": operand, "equalto": [operand]}
    return values.get(test)
