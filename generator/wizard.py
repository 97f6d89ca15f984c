"""Asks a person what was not given; the one module that imports questionary."""

from __future__ import annotations

import sys
import termios
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import questionary
import yaml

from generator.answers import Resolution, resolve
from generator.errors import AnswersError, UsageError
from generator.notation import read_text
from generator.questions import MISSING, Question
from generator.template import Template


def ask(
    template: Template, questions: tuple[Question, ...], given: Mapping[str, Any], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Ask every short-wizard question that applies and was not given; returns all answers together.

    Raises ``AnswersError`` when what was given is wrong, before anything is asked, and ``KeyboardInterrupt`` or
    ``EOFError`` when the person stops. Nothing is written here.
    """
    _check_given(template, questions, given, facts)
    _refuse_what_is_not_asked(template, questions, given, facts)
    answers = dict(given)
    asked = [question for question in questions if question.public and question.ask]
    group = ""
    for number, question in enumerate(asked, 1):
        resolution = _settled(template, questions, answers, facts, question)
        wrong = resolution.check(question, answers[question.name]) if question.name in answers else []
        if not resolution.asks(question) or (question.name in answers and not wrong):
            continue
        for problem in wrong:
            questionary.print(f"\n{problem.message}")
        if question.group != group:
            group = question.group
            questionary.print(f"\n{group} ({number} of {len(asked)})", style="bold")
        answers[question.name] = _ask(question, resolution)
    return answers


def ask_anew(
    template: Template,
    questions: tuple[Question, ...],
    names: Container[str],
    given: Mapping[str, Any],
    facts: Mapping[str, Any],
    recorded: Mapping[str, Any],
) -> dict[str, Any]:
    """Ask the questions of these ``names``, to which ``recorded`` has no answer any more; ``given`` with the answers.

    Raises as ``ask`` does when the person stops.
    """
    answers = dict(given)
    for question in questions:
        if question.name in names:
            questionary.print(f"\n{question.group}", style="bold")
            resolution = _settled(template, questions, answers, facts, question, recorded)
            answers[question.name] = _ask(question, resolution)
    return answers


def _refuse_what_is_not_asked(
    template: Template, questions: tuple[Question, ...], given: Mapping[str, Any], facts: Mapping[str, Any]
) -> None:
    """Wrong answers to questions that are not asked are told before a person types anything."""
    try:
        resolve(template, questions, given, facts)
    except AnswersError as error:
        asked = {question.name for question in questions if question.public and question.ask}
        told = [item for item in error.problems if item.question in given and item.question not in asked]
        if told:
            raise AnswersError(told) from None


def confirm(text: str) -> bool:
    """Ask for a yes."""
    return bool(questionary.confirm(text, default=False).unsafe_ask())


def ask_secret(name: str) -> str:
    """Ask for the value of a secret, without showing it, until it was typed twice alike and is not empty."""
    with _silent_terminal():
        while True:
            value = str(questionary.password(f"{name} (is not shown):").unsafe_ask())
            if value and value == questionary.password(f"{name} once more:").unsafe_ask():
                return value
            questionary.print("these were not alike; once more" if value else "a secret is never empty")


@contextmanager
def _silent_terminal() -> Iterator[None]:
    """A terminal that shows nothing by itself: who types fast types between two questions, too."""
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(handle, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _check_given(
    template: Template, questions: tuple[Question, ...], given: Mapping[str, Any], facts: Mapping[str, Any]
) -> None:
    try:
        resolve(template, questions, given, facts)
    except AnswersError as error:
        wrong = [problem for problem in error.problems if problem.code != "answer.missing"]
        if wrong:
            raise AnswersError(wrong) from None


def _settled(
    template: Template,
    questions: tuple[Question, ...],
    answers: Mapping[str, Any],
    facts: Mapping[str, Any],
    until: Question,
    recorded: Mapping[str, Any] | None = None,
) -> Resolution:
    """Everything that is known before ``until`` is asked."""
    resolution = Resolution(template, {**(recorded or {}), **answers})
    for question in questions:
        if question.name == until.name:
            break
        resolution.settle(question, answers, facts, recorded or {})
    return resolution


def _ask(question: Question, resolution: Resolution) -> Any:
    default = resolution.default(question)
    choices = resolution.choices(question)
    message = f"{question.name}: {question.help}"
    if choices:
        return questionary.select(
            message, choices=[str(choice) for choice in choices], default=None if default is MISSING else str(default)
        ).unsafe_ask()
    if question.type == "bool":
        return questionary.confirm(message, default=bool(default)).unsafe_ask()
    text = questionary.text(
        message,
        default=_shown(default),
        validate=_validator(question, resolution),
        placeholder=question.placeholder or None,
    ).unsafe_ask()
    return question.cast(read_text(question, text)) if text else default


def _shown(default: Any) -> str:
    if default is MISSING or default in ({}, []):
        return ""
    if isinstance(default, str | int | float):
        return str(default)
    return yaml.safe_dump(default, default_flow_style=True, width=1000, sort_keys=False).strip()


def _validator(question: Question, resolution: Resolution) -> Callable[[str], bool | str]:
    def validate(text: str) -> bool | str:
        if not text and question.default is not MISSING:
            return True
        try:
            problems = resolution.check(question, read_text(question, text))
        except UsageError as error:
            return f"{error.message}; {error.hint}"
        return problems[0].message if problems else True

    return validate
