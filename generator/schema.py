"""JSON Schema (draft 2020-12) of the answers, derived from the questions. Pure."""

from __future__ import annotations

from typing import Any

import yaml
from jinja2 import nodes

from generator.platform import Platform
from generator.questions import MISSING, Question
from generator.template import Template

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "path": "string"}


def answers_schema(template: Template, platform: Platform, questions: tuple[Question, ...]) -> dict[str, Any]:
    """The schema of an answers file: types, choices, shapes, defaults, and what is required when."""
    public = [question for question in questions if question.public]
    required = [item for item in public if item.default is MISSING]
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "newservice answers",
        "description": f"Answers for template version {template.version} on the platform {platform.name}.",
        "type": "object",
        "properties": {item.name: _property(template, platform, item) for item in public},
        "required": [item.name for item in required if item.when is True],
        "additionalProperties": False,
    }
    conditions = []
    for item in required:
        condition = _condition(template, questions, item)
        if condition:
            conditions.append({"if": condition, "then": {"required": [item.name]}})
    if conditions:
        schema["allOf"] = conditions
    return schema


def _property(template: Template, platform: Platform, question: Question) -> dict[str, Any]:
    schema: dict[str, Any] = _plain(question.shape) if question.shape else {}
    if not schema and question.type in _TYPES:
        schema["type"] = _TYPES[question.type]
    schema["description"] = question.help
    choices = _choices(template, platform, question)
    if choices:
        schema["enum"] = list(choices)
    if question.default is not MISSING:
        default = _default(question)
        if default is not MISSING:
            schema["default"] = default
        else:
            schema["description"] += f" Default: derived ({question.default})."
    return schema


def _plain(shape: dict[str, Any]) -> dict[str, Any]:
    """A shape in JSON Schema's own words."""
    schema = {key: value for key, value in shape.items() if key in _SAME}
    if "anyOf" in shape:
        schema["anyOf"] = [_plain(option) for option in shape["anyOf"]]
    if "items" in shape:
        schema["items"] = _plain(shape["items"])
    if "properties" in shape:
        schema["properties"] = {name: _plain(item) for name, item in shape["properties"].items()}
        schema["additionalProperties"] = False
    if "keys" in shape:
        schema["propertyNames"] = {"pattern": shape["keys"]["pattern"]}
        schema["additionalProperties"] = _plain(shape["values"])
    return schema


_SAME = {
    "type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
    "minProperties", "required",
}  # fmt: skip


def _choices(template: Template, platform: Platform, question: Question) -> tuple[Any, ...]:
    if isinstance(question.choices, tuple):
        return question.choices
    return tuple(yaml.safe_load(template.render(question.choices, {"platform": platform.facts})))


def _default(question: Question) -> Any:
    expression = isinstance(question.default, str) and "[[" in question.default
    return MISSING if expression else question.default


def _condition(template: Template, questions: tuple[Question, ...], question: Question) -> dict[str, Any] | None:
    """``when`` as a schema, for the comparisons that questions use: ``==``, ``in``, ``and``, ``or``, ``not``."""
    if isinstance(question.when, bool):
        return None
    tree = template.environment.parse(question.when)
    expression = next(iter(tree.find_all(nodes.Output))).nodes[0]
    return _Conditions(questions).of(expression)


class _Conditions:
    """Turns Jinja comparisons into schemas. A question left out has its default, so that counts as well."""

    def __init__(self, questions: tuple[Question, ...]) -> None:
        self._questions = {question.name: question for question in questions}

    def of(self, node: nodes.Node) -> dict[str, Any] | None:
        """The schema of an expression; None where it says more than a schema can."""
        if isinstance(node, nodes.And):
            return self._both("allOf", node)
        if isinstance(node, nodes.Or):
            return self._both("anyOf", node)
        if isinstance(node, nodes.Not):
            inner = self.of(node.node)
            return None if inner is None else {"not": inner}
        if isinstance(node, nodes.Compare) and isinstance(node.expr, nodes.Name) and len(node.ops) == 1:
            return self._compare(node.expr.name, node.ops[0])
        return None

    def _both(self, word: str, node: nodes.And | nodes.Or) -> dict[str, Any] | None:
        left, right = self.of(node.left), self.of(node.right)
        return None if left is None or right is None else {word: [left, right]}

    def _compare(self, name: str, operand: nodes.Operand) -> dict[str, Any] | None:
        question = self._questions.get(name)
        try:
            value = operand.expr.as_const()
        except nodes.Impossible:
            return None
        if question is None or operand.op not in ("eq", "in"):
            return None
        values = list(value) if operand.op == "in" else [value]
        schema: dict[str, Any] = {"properties": {name: {"enum": values}}}
        if _default(question) not in values:
            schema["required"] = [name]
        return schema
