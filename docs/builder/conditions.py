"""Jinja conditions of ``copier.yml`` in words; what is more than a comparison stays as it is."""

from __future__ import annotations

from jinja2 import nodes

from generator.template.template import Template


def in_words(template: Template, expression: str | bool) -> str:
    """When something applies: ``kind is `web` ``. Empty for always."""
    if expression is True:
        return ""
    if expression is False:
        return "never"
    outputs = list(template.environment.parse(expression).find_all(nodes.Output))
    shown = _words(outputs[0].nodes[0]) if len(outputs) == 1 and len(outputs[0].nodes) == 1 else None
    return shown or f"`{as_code(expression)}`"


def as_code(expression: str) -> str:
    """An expression without its outer brackets, on one line."""
    text = " ".join(str(expression).split())
    return text.removeprefix("[[").removesuffix("]]").strip() if text.count("[[") == 1 else text


def _words(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.And | nodes.Or):
        left, right = _words(node.left), _words(node.right)
        return f"{left} {'and' if isinstance(node, nodes.And) else 'or'} {right}" if left and right else None
    if isinstance(node, nodes.Not) and isinstance(node.node, nodes.Name):
        return f"not `{node.node.name}`"
    if isinstance(node, nodes.Name):
        return f"`{node.name}`"
    return _comparison(node) if isinstance(node, nodes.Compare) and len(node.ops) == 1 else None


def _comparison(node: nodes.Compare) -> str | None:
    name = _name(node.expr)
    operand = node.ops[0]
    if name is None:
        return None
    try:
        value = operand.expr.as_const()
    except nodes.Impossible:
        other = _name(operand.expr)
        return f"`{name}` is `{other}`" if other and operand.op == "eq" else None
    if value in ({}, []):
        return f"`{name}` is {'' if operand.op == 'eq' else 'not '}empty"
    shown = " or ".join(f"`{item}`" for item in value) if operand.op == "in" else f"`{value}`"
    verb = {"eq": "is", "ne": "is not", "in": "is", "gt": "is more than", "lt": "is less than"}.get(operand.op)
    return f"`{name}` {verb} {shown}" if verb else None


def _name(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        inner = _name(node.node)
        return f"{inner}.{node.attr}" if inner else None
    return None
