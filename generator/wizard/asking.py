"""Asks one question: its help, its choices with what they lead to, and what is wrong with an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from generator.base.errors import UsageError
from generator.template.notation import read_text
from generator.template.questions import MISSING, Question
from generator.template.resolution import Resolution
from generator.wizard.editing import Editor
from generator.wizard.fields import Shape, is_form, words_of
from generator.wizard.layout import plain, wrap
from generator.wizard.prompter import Option, Prompter
from generator.wizard.texts import refuse
from generator.wizard.wording import explained, known, part_problems, suggestion

Keep = Callable[[Any], None]
"""Called with an answer that is right so far but not finished: a person may stop or go back at any time."""


def ask_question(
    prompter: Prompter,
    question: Question,
    resolution: Resolution,
    said: Any = MISSING,
    keep: Keep = lambda _: None,
) -> Any:
    """The answer to one question, checked; ``said`` is what was answered before.

    Raises ``Back`` when the person goes back.
    """
    explains = explained(resolution.template, question, known(resolution))
    say(prompter, question.summary if explains or is_form(question.shape or {}) else question.help)
    default = resolution.default(question)
    value = default if said is MISSING else said
    choices = resolution.choices(question)
    if choices:
        value = value if value in choices else default
        options = [Option(choice, str(choice), explains.get(str(choice), "")) for choice in choices]
        return _checked(prompter, question, resolution, partial(_selected, prompter, question, options), value)
    if question.type == "bool":
        return _checked(prompter, question, resolution, partial(_confirmed, prompter, question.name), value)
    if question.structured and question.shape:
        if question.offer and said is MISSING:  # it was ticked, so it is not what it is for those who did not
            value = next((item for item in words_of(question.shape) if item != default), value)
        return _structured(prompter, question, resolution, {**question.shape, "explains": explains}, value, keep)
    return _typed(prompter, question, resolution, value)


def problems_of(question: Question, resolution: Resolution, value: Any) -> list[str]:
    """Why a value is not a valid answer, one sentence each; which question it is about is plain to see."""
    return [problem.message.removeprefix(f"{question.name}: ") for problem in resolution.check(question, value)]


def say(prompter: Prompter, text: str) -> None:
    """Some sentences, wrapped."""
    if text:
        prompter.say("\n".join(wrap(text, prompter.width())))


def _checked(
    prompter: Prompter, question: Question, resolution: Resolution, ask: Callable[[Any], Any], value: Any
) -> Any:
    while True:
        value = ask(value)
        problems = problems_of(question, resolution, value)
        if not problems:
            return value
        refuse(prompter, problems)


def _selected(prompter: Prompter, question: Question, options: Sequence[Option], value: Any) -> Any:
    chosen = next((at for at, option in enumerate(options) if option.value == value), 0)
    return prompter.select(question.name, options, chosen)


def _confirmed(prompter: Prompter, label: str, value: Any) -> bool:
    return prompter.confirm(label, default=value is True)


def _typed(prompter: Prompter, question: Question, resolution: Resolution, value: Any) -> Any:
    """One line; an empty one is the default. What is not touched stays as it is."""
    default = resolution.default(question)
    first = text = suggestion(question, resolution) if value is MISSING else plain(str(value))
    stays = value is not MISSING and not problems_of(question, resolution, value)
    while True:
        text = prompter.text(question.name, text, question.placeholder)
        if stays and text == first:
            return value
        text = text.strip()
        if not text and default is not MISSING:
            return default
        problems = problems_of(question, resolution, read_text(question, text))
        if not problems:
            return question.cast(read_text(question, text))
        refuse(prompter, problems)


def _structured(
    prompter: Prompter, question: Question, resolution: Resolution, shape: Shape, value: Any, keep: Keep
) -> Any:
    def read(text: str) -> Any:
        try:
            return question.cast(read_text(question, text))
        except ValueError as error:
            raise UsageError("answers.unreadable", str(error), "correct it") from None

    check, check_all = partial(part_problems, resolution.template), partial(problems_of, question, resolution)
    return Editor(prompter, check, check_all, read, keep).answer(question.name, shape, value)
