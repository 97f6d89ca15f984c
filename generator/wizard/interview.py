"""What is asked next, given what is answered; going back, and what falls away or comes up with a change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from generator.template.questions import MISSING, Question
from generator.template.resolution import Resolution
from generator.template.template import Template

NEEDS = "what it needs"
"""Key and heading of the checklist: which of the questions with ``offer`` are asked at all."""


@dataclass(frozen=True)
class Step:
    """One thing that is asked: a question, or the checklist of those that are offered.

    ``number`` and ``total`` count over what applies now. ``wrong`` says why the current answer can't stay, ``open``
    what it lacks.
    """

    group: str
    number: int
    total: int
    question: Question | None = None
    offers: tuple[Question, ...] = ()
    wrong: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What the step is called in the trail."""
        return self.question.name if self.question else NEEDS


@dataclass(frozen=True)
class Row:
    """An answer on the review, or a question under "more"; ``value`` is the default where nothing was said."""

    question: Question
    value: Any


@dataclass
class Interview:
    """The state of a conversation. Nothing here knows of a terminal.

    ``given`` was answered before it began. An answer that is the default follows it when it changes. One that was
    typed for a question that no longer applies is kept aside: it is no part of the result, and comes back with the
    question. ``open`` has the questions that are asked in any case, with the reasons.
    """

    template: Template
    questions: tuple[Question, ...]
    given: Mapping[str, Any]
    facts: Mapping[str, Any]
    touched: bool = False
    open: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _typed: dict[str, Any] = field(default_factory=dict)
    _settled: set[str] = field(default_factory=set)
    _ticked: set[str] = field(default_factory=set)
    _trail: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._settled |= set(self.given)

    @classmethod
    def answered(
        cls, template: Template, questions: tuple[Question, ...], said: Mapping[str, Any], facts: Mapping[str, Any]
    ) -> Interview:
        """One in which every question was passed: ``said`` is what was answered, everything else has its default.

        A change may bring up questions that did not apply.
        """
        interview = cls(template, questions, said, facts)
        resolved = [step.key for step in interview._steps() if not step.wrong]
        interview._trail += resolved
        return interview

    def beginning_with(self, given: Mapping[str, Any]) -> Interview:
        """The same typed answers, for one that begins with other given answers; every question is asked again."""
        typed = {name: value for name, value in self._typed.items() if name not in given}
        return replace(self, given=given, _typed=typed, _settled=set(), _ticked=set(self._ticked), _trail=[])

    def copy(self) -> Interview:
        """A second one that goes its own way."""
        return replace(
            self,
            _typed=dict(self._typed),
            _settled=set(self._settled),
            _ticked=set(self._ticked),
            _trail=list(self._trail),
        )

    # --- what is asked -------------------------------------------------------------------------------------

    @property
    def step(self) -> Step | None:
        """What is asked now; None where nothing is left."""
        return next((step for step in self._steps() if step.wrong or not self._passed(step.key)), None)

    def answer(self, name: str, value: Any) -> None:
        """Take the answer to a question; one that is the default follows the default from now on."""
        self._take(name, value)
        if name not in self._trail:
            self._trail.append(name)

    def tick(self, names: Iterable[str]) -> None:
        """Take which of the offered questions are asked."""
        self.touched = True
        self._ticked = set(names)
        if NEEDS not in self._trail:
            self._trail.append(NEEDS)

    def set(self, name: str, value: Any) -> None:
        """Answer any question out of its turn; it is not asked in its turn then."""
        turn = any(step.key == name for step in self._steps())
        self._take(name, value)
        if turn:
            self._trail.append(name)
        else:
            self._settled.add(name)

    def keep_aside(self, name: str, value: Any) -> None:
        """Keep an unfinished answer: it is shown when the question comes up again.

        An unchanged answer does not count as begun, and the default does not count as an answer.
        """
        if not _same(value, self.said(name)):
            self._note(name, value)

    def go_back(self) -> bool:
        """Make the step before this one the next; False at the first."""
        present = {step.key for step in self._steps()}
        while self._trail:
            if self._trail.pop() in present:
                return True
        return False

    @property
    def ticked(self) -> frozenset[str]:
        """The offered questions that are asked."""
        return frozenset(self._ticked)

    # --- what is known ---------------------------------------------------------------------------------------

    def before(self, name: str) -> Resolution:
        """Everything that is known when a question is asked."""
        return next(resolution for question, resolution in self._walk() if question.name == name)

    def said(self, name: str) -> Any:
        """What was typed or given for a question, applying or not; ``MISSING`` where nothing was."""
        return self._typed.get(name, self.given.get(name, MISSING))

    @property
    def result(self) -> dict[str, Any]:
        """What was said and applies, by question; inapplicable ones are reported elsewhere."""
        said = self._said()
        applying = {question.name for question, resolution in self._walk() if resolution.applies(question) is not False}
        return {name: value for name, value in said.items() if name in applying or self._is_as_given(name)}

    @property
    def kept(self) -> dict[str, Any]:
        """Everything that was said or decided, defaults that were accepted among it; nothing of it is asked again."""
        values: dict[str, Any] = {}
        said = self._said()
        for question, resolution in self._walk():
            decided = question.name in said or self._decided(question)
            if question.public and decided and resolution.applies(question) is not False:
                value = said[question.name] if question.name in said else resolution.default(question)
                if value is not MISSING:
                    values[question.name] = value
        return values

    @property
    def review(self) -> list[Row]:
        """All that is asked or was said, and applies."""
        said, keys = self._said(), {step.key for step in self._steps()}
        return [row for row in self._rows() if row.question.name in keys or row.question.name in said]

    @property
    def more(self) -> list[Row]:
        """What else could be said: not on the review, and applies."""
        shown = {row.question.name for row in self.review}
        return [row for row in self._rows() if row.question.name not in shown]

    # --- inside ------------------------------------------------------------------------------------------------

    def _take(self, name: str, value: Any) -> None:
        self.touched = True
        self._note(name, value)

    def _note(self, name: str, value: Any) -> None:
        question = next(item for item in self.questions if item.name == name)
        if name not in self.given and _same(value, self.before(name).default(question)):
            self._typed.pop(name, None)
        else:
            self.touched = True
            self._typed[name] = value

    def _said(self) -> dict[str, Any]:
        """What was said, without what is offered and was not ticked."""
        said = {**self.given, **self._typed}
        idle = {item.name for item in self.questions if item.offer and not self._wanted(item)}
        return {name: value for name, value in said.items() if name not in idle}

    def _wanted(self, question: Question) -> bool:
        return question.name in self._ticked or question.name in self._settled

    def _is_as_given(self, name: str) -> bool:
        return name in self.given and name not in self._typed

    def _passed(self, key: str) -> bool:
        return key in self._trail or (key in self._settled and key not in self.open)

    def _decided(self, question: Question) -> bool:
        if question.offer and NEEDS in self._trail and question.name not in self._ticked:
            return True
        return self._passed(question.name)

    def _walk(self) -> Iterator[tuple[Question, Resolution]]:
        """Every question with what is known before it."""
        said = self._said()
        resolution = Resolution(self.template, dict(said))
        for question in self.questions:
            yield question, resolution
            resolution.settle(question, said, self.facts, {})

    def _settling(self) -> Iterator[tuple[Question, bool, tuple[str, ...]]]:
        """Every public question that applies, whether it is asked, and what is wrong with what it is now."""
        said = self._said()
        resolution = Resolution(self.template, dict(said))
        for question in self.questions:
            applies, asks = resolution.applies(question) is not False, resolution.asks(question)
            known = len(resolution.problems)
            resolution.settle(question, said, self.facts, {})
            if question.public and applies:
                found = [problem for problem in resolution.problems[known:] if problem.code != "answer.missing"]
                yield question, asks, tuple(problem.message for problem in found)

    def _rows(self) -> Iterator[Row]:
        said = self._said()
        for question, resolution in self._walk():
            if question.public and resolution.applies(question) is not False:
                yield Row(question, said[question.name] if question.name in said else resolution.default(question))

    def _steps(self) -> list[Step]:
        """All steps that apply now, in their order. A wrong default is one: it needs a better answer."""
        found: list[tuple[Question | None, str, tuple[str, ...]]] = []
        offers: list[Question] = []
        for question, asks, wrong in self._settling():
            asks = asks and question.name not in self._settled
            if question.offer and asks:
                if not offers:
                    found.append((None, NEEDS.capitalize(), ()))
                offers.append(question)
                asks = question.name in self._ticked
            if wrong or asks or question.name in self.open:
                found.append((question, question.group, wrong))
        return [
            Step(
                group,
                number,
                len(found),
                question,
                () if question else tuple(offers),
                wrong,
                self.open.get(question.name, ()) if question and question.name not in self._trail else (),
            )
            for number, (question, group, wrong) in enumerate(found, 1)
        ]


def _same(one: Any, other: Any) -> bool:
    """Equal, and of the same type: 1 is not true."""
    return type(one) is type(other) and bool(one == other)
