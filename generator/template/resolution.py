"""Settles one question after the other: does it apply, is it answered, is that right? Pure; problems are collected."""

from __future__ import annotations

import difflib
import json
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError

from generator.base.errors import NewserviceError, Problem
from generator.base.terminal_text import visible
from generator.template.questions import MISSING, Question
from generator.template.template import Template, parse_own_yaml, parse_yaml


@dataclass(frozen=True)
class Outcome:
    """How one question came out: its value, whether that is recorded, and what there is to note.

    ``reads``: the names that its expressions looked up; it comes out the same as long as those do.
    """

    value: Any = MISSING
    recorded: bool = False
    notes: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()

    def same(self, other: Outcome) -> bool:
        """Whether nothing that depends on this question can come out otherwise with ``other``."""
        return self.recorded == other.recorded and same(self.value, other.value)


def same(one: Any, other: Any) -> bool:
    """Whether two values are one: the same object, or plain values alike (1 is not true)."""
    return one is other or (type(one) is type(other) and isinstance(one, str | int | float) and one == other)


class _UnsetError(Exception):
    """A default that declares itself unset for these answers."""


_TRUTH = {"True": True, "False": False}
"""What most conditions come out as."""

_UNSET: Any = object()
# Copier's word for it: a default that names UNSET makes the question a required one.
_WORDS = {"UNSET": StrictUndefined("UNSET", exc=_UnsetError)}  # type: ignore[arg-type]


@dataclass
class Resolution:
    """Answers on their way: what is settled, what is wrong, and what can't be known yet because of it.

    ``earlier`` is what was given or recorded for questions that are yet to come, as copier's expressions see it too.
    """

    template: Template
    earlier: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    public: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    _reads: set[str] = field(default_factory=set)

    def take(self, question: Question, given: Mapping[str, Any]) -> None:
        """Settle one question from ``given`` or its default, or record what is wrong with it."""
        applies = self.applies(question)
        value = given.get(question.name, MISSING)
        if applies is False and not question.computed:
            if value is not MISSING:
                self.notes.append(f"'{question.name}' was left out: it does not apply to these answers")
            value = MISSING
        if value is MISSING:
            self._take_default(question, applies)
        else:
            self._take_given(question, value)
        self.earlier.pop(question.name, None)

    def settle(
        self, question: Question, given: Mapping[str, Any], facts: Mapping[str, Any], recorded: Mapping[str, Any]
    ) -> None:
        """Settle one question from the source of its answer; ``resolve`` describes each source."""
        noted, self._reads = len(self.notes), set()
        if question.internal:
            self.take(question, facts)
        elif question.name in recorded and question.name not in given:
            self.take_recorded(question, recorded[question.name])
        else:
            self.take(question, given)
        name, value = question.name, self.context.get(question.name, MISSING)
        self.outcomes[name] = Outcome(value, name in self.values, tuple(self.notes[noted:]), frozenset(self._reads))

    def keep(self, question: Question, outcome: Outcome) -> None:
        """Settle one question as it came out before."""
        self.notes += outcome.notes
        if outcome.value is not MISSING:
            self._settle(question, outcome.value, record=outcome.recorded)
        self.earlier.pop(question.name, None)
        self.outcomes[question.name] = outcome

    def take_recorded(self, question: Question, value: Any) -> None:
        """Settle one question from what is recorded, where the question still applies and the answer is still valid."""
        if question.computed or self.applies(question) is False:
            self.take(question, {})
        elif faults := self.check(question, value):
            found = len(self.problems)
            self.take(question, {})
            message = f"'{question.name}' was {_short(value)}, which is no longer valid"
            why = f"{message}: {'; '.join(_reason(fault, value) for fault in faults)}"
            self.problems[found:] = [replace(problem, message=why) for problem in self.problems[found:]]
            self.notes.append(message)
        else:
            self._settle(question, question.cast(value), record=True)

    def applies(self, question: Question) -> bool | None:
        """Whether ``when`` holds; None where it depends on an answer that is wrong or missing."""
        return self._holds(question, "when", question.when)

    def asks(self, question: Question) -> bool:
        """Whether the short wizard asks: ``when`` and ``ask`` hold."""
        return self.applies(question) is not False and self._holds(question, "ask", question.ask) is not False

    def default(self, question: Question) -> Any:
        """The rendered default; ``MISSING`` where the question has none or where it can't be known yet."""
        value = self._default(question)
        return MISSING if value is _UNSET else value

    def _default(self, question: Question) -> Any:
        if not isinstance(question.default, str):
            return _UNSET if question.default is MISSING else question.default
        try:
            text = self._evaluate(question, "default", question.default, _WORDS)
        except _UnsetError:
            return _UNSET
        if text is None:
            return MISSING
        if question.computed and question.type == "yaml":
            return _constant(text)
        return json.loads(text) if question.type == "json" else question.cast(text)

    def choices(self, question: Question) -> tuple[Any, ...]:
        """The values to choose from; empty where anything goes."""
        if isinstance(question.choices, tuple):
            return question.choices
        return tuple(parse_yaml(self._evaluate(question, "choices", question.choices) or "[]"))

    def check(self, question: Question, value: Any) -> list[Problem]:
        """What is wrong with ``value`` as the answer to ``question``."""
        choices = self.choices(question)
        try:
            value = question.cast(value)
        except ValueError as error:
            return [_not_a_choice(question, value, choices) if choices else _wrong(question, value, str(error))]
        if choices and value not in choices:
            return [_not_a_choice(question, value, choices)]
        output = self._evaluate(question, "validator", question.validator, {question.name: value}) or ""
        return [_wrong(question, value, line.strip()) for line in output.splitlines() if line.strip()]

    def _take_default(self, question: Question, applies: bool | None) -> None:
        value = self._default(question)
        if value is _UNSET and applies:
            self.problems.append(_missing(question, self.choices(question)))
        if value is _UNSET or value is MISSING:
            return
        if applies and (problems := self.check(question, value)):
            self.problems.extend(replace(item, message=item.message.removesuffix(_given(value))) for item in problems)
            return
        self._settle(question, value, record=applies is True)

    def _take_given(self, question: Question, value: Any) -> None:
        if problems := self.check(question, value):
            self.problems.extend(problems)
            return
        self._settle(question, question.cast(value), record=True)

    def _settle(self, question: Question, value: Any, *, record: bool) -> None:
        self.context[question.name] = value
        if record and not question.computed:
            self.values[question.name] = value
        if record and question.public:
            self.public[question.name] = value

    def _holds(self, question: Question, key: str, condition: str | bool) -> bool | None:
        if isinstance(condition, bool):
            return condition
        text = self._evaluate(question, key, condition)
        return None if text is None else _TRUTH[text] if text in _TRUTH else bool(parse_yaml(text))

    def _evaluate(
        self, question: Question, key: str, source: str, extra: Mapping[str, Any] | None = None
    ) -> str | None:
        """Render an expression; None where it needs an answer that is wrong or missing.

        Where every answer so far is right, an expression that fails is a fault of the template.
        """
        try:
            return self.template.render(source, {**self.earlier, **self.context, **(extra or {})}, self._reads)
        except (TemplateError, TypeError, ValueError, AttributeError, LookupError) as error:
            if self.problems:
                return None
            raise NewserviceError(
                "template.broken",
                f"copier.yml: the {key} of question '{question.name}' can't be evaluated: {error}",
                "this is a fault of the template, not of your answers",
            ) from error


@lru_cache(maxsize=4)
def _constant(text: str) -> Any:
    """What a computed YAML text says; it is long, read at every evaluation, and changed by nobody."""
    return parse_own_yaml(text)


def unknown_keys(questions: Iterable[Question], given: Mapping[str, Any], template: Template) -> list[Problem]:
    """What of ``given`` answers no question of ``template``."""
    older = "" if template.version == Template.installed().version else f" --template {template.version}"
    known = [question.name for question in questions if question.public]
    problems = []
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"`newservice schema{older}` lists the questions"
            problems.append(Problem("answer.unknown", str(key), f"there is no question '{key}'", hint))
    return problems


def _missing(question: Question, choices: tuple[Any, ...]) -> Problem:
    return Problem(
        "answer.missing",
        question.name,
        f"{question.name} is missing",
        f"{question.option}: {question.help}",
        tuple(str(choice) for choice in choices) or None,
    )


def _wrong(question: Question, value: Any, rule: str) -> Problem:
    """``rule`` is a sentence, or one that starts with a place inside the answer (``[0].mount: must ...``).

    One that starts with ``protected:`` refuses a name which belongs to the platform itself.
    """
    protected = rule.startswith("protected: ")
    rule = rule.removeprefix("protected: ")
    place, colon, _ = rule.partition(": ")
    inside = bool(colon) and " " not in place
    dot = "" if place.startswith("[") else "."
    message = f"{question.name}{dot}{rule}" if inside else f"{question.name}: {rule}"
    given = "" if question.quiet else _given(value)  # it may be a secret's value, given by mistake
    code = "answer.protected" if protected else "answer.invalid"
    return Problem(code, question.name, message + given, f"{question.option}: {question.help}")


def _not_a_choice(question: Question, value: Any, choices: tuple[Any, ...]) -> Problem:
    names = tuple(str(choice) for choice in choices)
    near = difflib.get_close_matches(str(value), names, n=1)
    return Problem(
        "answer.invalid",
        question.name,
        f"{question.name}: must be one of {', '.join(names)} (given: {_short(value)})",
        f"did you mean {near[0]}?" if near else f"{question.option}: {question.help}",
        names,
    )


def _reason(problem: Problem, value: Any) -> str:
    """What is wrong with a value, where the question and the value are named already."""
    return problem.message.removeprefix(f"{problem.question}: ").removesuffix(_given(value))


def _given(value: Any) -> str:
    return f" (given: {_short(value)})"


def _short(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):  # YAML has keys that JSON lacks, and values that hold themselves
        text = reprlib.repr(value)
    text = visible(text, kept="")
    return text if len(text) <= 60 else text[:57] + "..."
