"""The JSON Schema (draft 2020-12) of the answers, put together from the questions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from jinja2.meta import find_undeclared_variables

from generator.template.questions import MISSING, Question
from generator.template.resolution import Resolution
from generator.template.schema.requirements import Requirements
from generator.template.schema.rules import BLANK, Rules
from generator.template.template import Template

_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "path": "string"}

_COMMENT = (
    "Keys with x- are for readers. x-flag: the flag on the command line. x-choices: what each choice means. x-applies: "
    "when a question applies; the answer to one that does not is left out, and its form must be right all the same. "
    f"x-also-refused: rules that only `newservice plan` checks ({BLANK} stands for what depends on the answers); it "
    "reports all that is wrong at once. Numbers, booleans, lists and maps have their own types here; on a command line "
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
        self._requirements = Requirements(template, facts, questions)
        self._rules = Rules(template, facts)
        self._known = Resolution(template, context={"platform": facts})

    def schema(self) -> dict[str, Any]:
        """The complete schema."""
        demanded = [question for question in self._questions if question.default is MISSING]
        schema: dict[str, Any] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "newservice answers",
            "description": f"Answers for template version {self._template.version} on the platform "
            f"{self._platform_name}.",
            "$comment": _COMMENT,
            "type": "object",
            "properties": {question.name: self._property(question) for question in self._questions},
            "required": [question.name for question in demanded if question.when is True],
            "additionalProperties": False,
        }
        sometimes = [
            {"if": condition, "then": {"required": [question.name]}}
            for question in demanded
            if question.when is not True and (condition := self._requirements.applies(question))
        ]
        return {**schema, "allOf": sometimes} if sometimes else schema

    def _property(self, question: Question) -> dict[str, Any]:
        refused, beyond = self._rules.of(question)
        form = self._form(question)
        if refused:
            form["allOf"] = [*form.get("allOf", []), *refused]
        return {**self._annotations(question, beyond), **form}

    def _form(self, question: Question) -> dict[str, Any]:
        """What an answer looks like; what its shape says in words is in the description of the property."""
        schema: dict[str, Any] = plain(question.shape) if question.shape else {}
        schema.pop("description", None)
        if not schema and question.type in _TYPES:
            schema["type"] = _TYPES[question.type]
        choices = self._known.choices(question)
        if choices:
            schema["enum"] = list(choices)
        return schema

    def _annotations(self, question: Question, beyond: list[str]) -> dict[str, Any]:
        """What people and agents read, and no validator does."""
        form = (question.shape or {}).get("message", "")
        sentence = f" {form[0].upper()}{form[1:]}." if form else ""
        said: dict[str, Any] = {"description": question.help + sentence, "x-flag": question.option}
        if question.type == "bool":
            said["x-flag-false"] = f"--no-{question.option.removeprefix('--')}"
        if isinstance(question.when, str):
            said["x-applies"] = self._applies(question.when)
        # A default that reads its own question is what it says for those who have not answered it yet.
        if self._names(question.default) <= {"platform", "UNSET", question.name} and question.default is not MISSING:
            said["default"] = self._known.default(question)
        elif question.default is not MISSING:
            said["description"] += f" Default: {self._derived(question)}."
        if examples := list(examples_of(question)):
            said["examples"] = examples
        if explained := self._explained(question):
            said["x-choices"] = explained
        if beyond:
            said["$comment"] = "newservice refuses more than this schema says: x-also-refused"
            said["x-also-refused"] = beyond
        return said

    def _names(self, expression: Any) -> set[str]:
        """Variables that a text of copier.yml reads."""
        if not isinstance(expression, str):
            return set()
        return find_undeclared_variables(self._template.environment.parse(expression))

    def _explained(self, question: Question) -> dict[str, str]:
        """What each choice means, where copier.yml says so."""
        if not isinstance(question.explains, str):
            return {str(choice): str(words) for choice, words in question.explains.items()}
        return dict(yaml.safe_load(self._template.render(question.explains, self._known.context)))

    def _derived(self, question: Question) -> str:
        """How a default comes from other answers: the expression, where there is just one."""
        default = str(question.default).strip()
        one = default.startswith("[[") and default.count("[[") == 1 and default.endswith("]]") and "[%" not in default
        return f"derived ({_bare(default)})" if one else "derived from other answers"

    def _applies(self, when: str) -> str:
        """A condition as written in copier.yml; what is computed for it alone is written out."""
        computed = self._computed.get(_bare(when))
        return _bare(str(computed.default)) if computed else _bare(when)


def _bare(expression: str) -> str:
    """An expression without its brackets, on one line."""
    return " ".join(expression.split()).removeprefix("[[").removesuffix("]]").strip()


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
    condition: dict[str, Any] = {"properties": {demand["key"]: {"enum": demand["among"]}}}
    if key.get("default") not in demand["among"]:
        condition["required"] = [demand["key"]]
    then: dict[str, Any] = {"required": demand["needs"]} if "needs" in demand else {}
    refused = [{"not": {"required": [name]}} for name in demand.get("without", ())]
    comment = demand["message"].replace(f"{{{demand['key']}}}", BLANK)
    return {"if": condition, "then": {**then, **({"allOf": refused} if refused else {})}, "$comment": comment}


_SAME = {
    "type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
    "minProperties", "required", "default",
}  # fmt: skip
