"""Where a question applies, as a schema of all answers: for conditions over choices. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from jinja2.meta import find_undeclared_variables

from generator.template.questions import MISSING, Question
from generator.template.resolution import Resolution
from generator.template.template import Template

_MOST = 500
"""The most combinations of choices that are tried."""


class Requirements:
    """Says where questions apply, for one template on one platform, whose facts are given."""

    def __init__(self, template: Template, facts: Mapping[str, Any], questions: Sequence[Question]) -> None:
        self._template = template
        self._facts = {"platform": facts}
        self._questions = {question.name: question for question in questions}

    def applies(self, question: Question) -> dict[str, Any] | None:
        """The answers for which ``question`` applies, as a schema of all answers.

        Every combination of the choices that its condition depends on is tried. None where it depends on anything but
        choices, or where the combinations are not simply some choices of each question.
        """
        asked = self._asked(question)
        domains = [self._domain(item) for item in asked]
        if not all(domains) or prod(map(len, domains)) > _MOST:
            return None
        true = [values for values in product(*domains) if self._holds(question, asked, values)]
        picked = [
            [value for value in domain if any(values[place] == value for values in true)]
            for place, domain in enumerate(domains)
        ]
        if prod(map(len, picked)) != len(true):
            return None
        said = [
            (item.name, values) for item, domain, values in zip(asked, domains, picked, strict=True) if values != domain
        ]
        required = [name for name, values in said if MISSING not in values]
        properties = {name: {"enum": [value for value in values if value is not MISSING]} for name, values in said}
        return {"properties": properties, **({"required": required} if required else {})}

    def _asked(self, question: Question) -> list[Question]:
        """The questions that the condition of ``question`` depends on, in the order in which they are asked."""
        names: set[str] = set()
        new = set(self._read(question.when))
        while new:
            names |= new
            sources = [source for name in new for source in (self._questions[name].when, self._questions[name].default)]
            new = {name for source in sources for name in self._read(source)} - names
        return [item for name, item in self._questions.items() if name in names]

    def _read(self, source: Any) -> Iterator[str]:
        """The questions that an expression reads."""
        if isinstance(source, str):
            names = find_undeclared_variables(self._template.environment.parse(source))
            yield from (name for name in names if name in self._questions)

    def _domain(self, question: Question) -> list[Any]:
        """All answers to a question, ``MISSING`` for none among them; empty where they can't be listed."""
        if not question.public:
            return [MISSING] if question.computed else []
        values = [True, False] if question.type == "bool" else list(self._choices(question))
        return [*values, MISSING] if values and question.default is not MISSING else values

    def _choices(self, question: Question) -> tuple[Any, ...]:
        return Resolution(self._template, context=dict(self._facts)).choices(question)

    def _holds(self, question: Question, asked: Sequence[Question], values: Sequence[Any]) -> bool:
        """Whether ``question`` applies to these answers, with the defaults of what was left out or does not apply."""
        found = Resolution(self._template, context=dict(self._facts))
        for item, value in zip(asked, values, strict=True):
            given = value is not MISSING and found.applies(item) is not False
            found.context[item.name] = value if given else found.default(item)
        return found.applies(question) is True
