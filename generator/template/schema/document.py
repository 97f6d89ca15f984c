"""The JSON Schema (draft 2020-12) of the answers, put together from the questions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from jinja2 import nodes

from generator.template.questions import MISSING, Question
from generator.template.schema.conditions import Conditions
from generator.template.schema.logic import Schema, all_of, answered
from generator.template.schema.rules import BLANK, Rules
from generator.template.template import Template

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "path": "string"}

_COMMENT = (
    "Keys with x- are for readers. x-flag: the flag on the command line. x-choices: what each choice means. x-applies: "
    "when a question applies; the answer to one that does not is left out, whatever it is. x-also-refused: what "
    f"newservice refuses and no schema can say ({BLANK} stands for what depends on the answers); `newservice plan` "
    "tells all that is wrong at once. Numbers, booleans, lists and maps have their own types here; on a command line "
    'they are text, and newservice reads such text in a file as well (port: "8080" is 8080, ci: "no" is false), '
    "which is no reason to write it. A whole number is written without a point."
)


def answers_schema(template: Template, facts: Mapping[str, Any], questions: tuple[Question, ...]) -> dict[str, Any]:
    """The schema of an answers file: types, choices, shapes, defaults, examples, and what is refused together.

    ``facts`` are what templates may know of the platform.
    """
    return _Document(template, facts, questions).schema()


class _Document:
    def __init__(self, template: Template, facts: Mapping[str, Any], questions: Sequence[Question]) -> None:
        self._template = template
        self._platform_name = facts["name"]
        self._questions = [question for question in questions if question.public]
        self._computed = {question.name: question for question in questions if question.computed}
        self._conditions = Conditions(template, facts, questions)
        self._rules = Rules(template, self._conditions)
        self._properties: dict[str, Any] = {}
        self._together: list[tuple[Schema, dict[str, Any]]] = []

    def schema(self) -> dict[str, Any]:
        """The whole of it."""
        for question in self._questions:
            self._add(question)
        always = [item.name for item in self._questions if item.default is MISSING and item.when is True]
        schema: dict[str, Any] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "newservice answers",
            "description": f"Answers for template version {self._template.version} on the platform "
            f"{self._platform_name}.",
            "$comment": _COMMENT,
            "type": "object",
            "properties": self._properties,
            "required": always,
            "additionalProperties": False,
        }
        conditions = list(_grouped(self._together))
        return {**schema, "allOf": conditions} if conditions else schema

    def _add(self, question: Question) -> None:
        """A property, and what holds of it together with others."""
        exact, beyond = self._rules.of(question)
        form = self._form(question)
        together = []
        for rule in exact:
            own = _of_one(rule.refused, question)
            if own is None:
                together.append({"not": rule.refused, "$comment": rule.words})
            else:
                form.setdefault("allOf", []).append({"not": own, "$comment": rule.words})
        applies = self._conditions.applies(question)
        said = self._annotations(question, beyond)
        if applies is True:
            self._properties[question.name] = {**said, **form}
            demanded: dict[str, Any] = {}
        else:
            ignored = {"$comment": "where the question does not apply; the answer is left out then"}
            self._properties[question.name] = {**said, "anyOf": [form, ignored]}
            demanded = {"properties": {question.name: {"$ref": f"#/properties/{question.name}/anyOf/0"}}}
            if question.default is MISSING:
                demanded["required"] = [question.name]
        if applies is None:  # then nothing can be demanded of it here
            return
        self._together += [(applies, demanded)] if demanded else []
        self._together += [(applies, refusal) for refusal in together]

    def _form(self, question: Question) -> dict[str, Any]:
        """What an answer looks like; what its shape says in words stands in the description of the property."""
        schema: dict[str, Any] = plain(question.shape) if question.shape else {}
        schema.pop("description", None)
        if not schema and question.type in _TYPES:
            schema["type"] = _TYPES[question.type]
        choices = self._conditions.choices(question)
        if choices:
            schema["enum"] = list(choices)
        return schema

    def _annotations(self, question: Question, beyond: list[str]) -> dict[str, Any]:
        """What people and agents read, and no validator does."""
        form = (question.shape or {}).get("message", "")
        told = f" {form[0].upper()}{form[1:]}." if form else ""
        said: dict[str, Any] = {"description": question.help + told, "x-flag": question.option}
        if question.type == "bool":
            said["x-flag-false"] = f"--no-{question.option.removeprefix('--')}"
        if isinstance(question.when, str):
            said["x-applies"] = self._applies(question.when)
        default = self._conditions.default(question)
        if default is not MISSING:
            said["default"] = default
        elif question.default is not MISSING:
            said["description"] += f" Default: {self._derived(question)}."
        if examples := list(examples_of(question)):
            said["examples"] = examples
        if explained := self._conditions.explained(question):
            said["x-choices"] = explained
        if beyond:
            said["$comment"] = "newservice refuses more than a schema can say: x-also-refused"
            said["x-also-refused"] = beyond
        return said

    def _derived(self, question: Question) -> str:
        """How a default comes from other answers: the expression, where there is just one."""
        try:
            self._conditions.expression(str(question.default))
        except nodes.Impossible:
            return "derived from other answers"
        return f"derived ({_bare(str(question.default))})"

    def _applies(self, when: str) -> str:
        """A condition as it stands in copier.yml; what is computed for it alone is written out."""
        computed = self._computed.get(_bare(when))
        return _bare(str(computed.default)) if computed else _bare(when)


def _bare(expression: str) -> str:
    """An expression without its brackets, on one line."""
    return " ".join(expression.split()).removeprefix("[[").removesuffix("]]").strip()


def _of_one(refused: Schema, question: Question) -> Any:
    """The values of one answer that are refused, where a rule is about nothing but that it was given; else None."""
    if isinstance(refused, bool) or set(refused) != {"properties", "required"}:
        return None
    return refused["properties"][question.name] if list(refused["properties"]) == [question.name] else None


def _grouped(together: Sequence[tuple[Schema, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """``if`` and ``then``, one for each condition; a refusal that always counts stands by itself."""
    kept: list[tuple[Schema, list[dict[str, Any]]]] = []
    for condition, schema in together:
        same = next((schemas for other, schemas in kept if other == condition), None)
        if same is None:
            kept.append((condition, [schema]))
        else:
            same.append(schema)
    for condition, schemas in kept:
        if condition is True:
            yield from schemas
        else:
            yield {"if": condition, "then": all_of(schemas)}


def examples_of(question: Question) -> Iterator[Any]:
    """Answers to learn from: what the placeholder shows, and what copier.yml lists."""
    shown = re.sub(r"^e\.g\. ", "", question.placeholder)
    if shown:
        yield yaml.safe_load(shown) if question.structured else question.cast(shown)
    yield from question.examples


def plain(shape: dict[str, Any]) -> dict[str, Any]:
    """A shape in JSON Schema's own words."""
    schema = {key: value for key, value in shape.items() if key in _SAME}
    if "pattern" in shape:
        schema["pattern"] = _to_the_end(shape["pattern"])
    if "message" in shape:
        schema["description"] = shape["message"]
    if "anyOf" in shape:
        schema["anyOf"] = [plain(option) for option in shape["anyOf"]]
    if "items" in shape:
        schema["items"] = plain(shape["items"])
    if "properties" in shape:
        schema["properties"] = {name: plain(item) for name, item in shape["properties"].items()}
        schema["additionalProperties"] = False
    if "keys" in shape:
        schema["propertyNames"] = {
            "pattern": _to_the_end(shape["keys"]["pattern"]),
            "description": shape["keys"]["message"],
        }
        schema["additionalProperties"] = plain(shape["values"])
    if "demands" in shape:
        schema["allOf"] = [_demand(item, shape["properties"][item["key"]]) for item in shape["demands"]]
    return schema


def _to_the_end(pattern: str) -> str:
    """A pattern that validators in all languages read alike: `$` is also before a last line break in some."""
    return pattern + r"(?!\n)" if pattern.endswith("$") else pattern


def _demand(demand: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
    """What one key of a map means for others."""
    refused = [{"not": {"required": [name]}} for name in demand.get("without", ())]
    then = all_of([{"required": demand["needs"]} if "needs" in demand else True, *refused])
    condition = answered(demand["key"], {"enum": demand["among"]}, or_absent=key.get("default") in demand["among"])
    return {"if": condition, "then": then, "$comment": demand["message"].replace(f"{{{demand['key']}}}", BLANK)}


_SAME = {
    "type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
    "minProperties", "required", "default",
}  # fmt: skip
