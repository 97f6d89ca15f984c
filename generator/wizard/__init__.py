"""Asks a person what was not given.

``interview`` says what is asked next and knows of no terminal; ``terminal`` is questionary, and ``lines`` a terminal
that can only write lines. Each is imported when it is needed: they are heavy.

May import lifecycle and everything below it.
"""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.base.errors import AnswersError
from generator.platform.profile import Platform
from generator.template.answers import resolve
from generator.template.questions import Question
from generator.template.resolution import Resolution
from generator.template.template import Template
from generator.wizard.asking import ask_question, say
from generator.wizard.conversation import Choice, Conversation, Stopped
from generator.wizard.interview import Interview
from generator.wizard.prompter import Back, Prompter
from generator.wizard.texts import refuse

__all__ = [
    "Begun", "Choice", "Conversation", "Stopped", "agree_to", "ask_again", "ask_secret", "ask_text", "begin",
    "check_given", "confirm", "open_prompter", "opening_of", "review_recorded",
]  # fmt: skip


def open_prompter() -> Prompter:
    """The available terminal; one that can't move its cursor, or show our signs, gets lines and numbers."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if os.environ.get("TERM", "") in ("", "dumb", "unknown") or encoding != "utf8":
        from generator.wizard.lines import Lines

        return Lines()
    from generator.wizard.terminal import Terminal

    return Terminal()


def begin(
    template: Template,
    questions: tuple[Question, ...],
    given: Mapping[str, Any],
    platform: Platform,
    taken_up: Path | None = None,
    file_alone: Container[str] = (),
    facts: Mapping[str, Any] | None = None,
    begun: Begun | None = None,
    own_facts: Mapping[str, Any] | None = None,
) -> Conversation:
    """A conversation about one service, of which ``given`` is answered, by the file ``taken_up`` among others.

    What is wrong of ``file_alone``, which no flag says, is asked again: such a file may have been written by hand.
    ``facts`` are the platform's as an earlier version of the template has them. ``begun`` is what was said before,
    ``own_facts`` what newservice itself found.
    Raises ``AnswersError`` when anything else that was given is wrong, before anything is asked.
    """
    facts = {**(own_facts or {}), "platform": facts or platform.facts}
    check_given(template, questions, given, facts, file_alone)
    begun = begun or Begun()
    interview = Interview(template, questions, dict(given), facts)
    if begun.typed is not None:
        interview = begun.typed.beginning_with(dict(given))
    interview.open = begun.open
    opening = "" if begun.opened else opening_of(platform, begun.subject)
    return Conversation(open_prompter(), interview, opening, Path.cwd(), taken_up, returns=begun.returns)


@dataclass(frozen=True)
class Begun:
    """What was said before a conversation: ``subject`` is what it is about, unless that was said, too (``opened``).

    ``open`` has questions to be asked whatever is given, with the reasons. ``returns``: a person can go back to what
    was asked before, and ``typed`` is what he answered before he did.
    """

    subject: str = "A new service"
    opened: bool = False
    open: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    returns: bool = False
    typed: Interview | None = None


def review_recorded(
    template: Template,
    questions: tuple[Question, ...],
    recorded: Mapping[str, Any],
    derived: Container[str],
    facts: Mapping[str, Any],
) -> Conversation:
    """A conversation about a service that exists: nothing is asked before the review of its ``recorded`` answers.

    ``derived`` names those that follow from others, and follow them again when they change.
    """
    said = {name: value for name, value in recorded.items() if name not in derived}
    interview = Interview.answered(template, questions, said, facts)
    opening = f"{recorded.get('title') or recorded['name']} exists; these are its recorded answers."
    return Conversation(open_prompter(), interview, opening, Path.cwd(), keeps=False)


def agree_to(what: str, word: str) -> bool:
    """Say ``what`` a person would agree to, and whether he types ``word`` to do so."""
    prompter = open_prompter()
    prompter.say("")
    say(prompter, what)
    try:
        return prompter.text(f"Type {word} to agree").strip() == word
    except Back:
        return False


def ask_again(
    template: Template,
    questions: tuple[Question, ...],
    names: Container[str],
    given: Mapping[str, Any],
    facts: Mapping[str, Any],
    recorded: Mapping[str, Any],
) -> dict[str, Any]:
    """Ask the questions of these ``names``, to which ``recorded`` has no answer any more; ``given`` with the answers.

    Raises ``KeyboardInterrupt`` or ``EOFError`` when the person stops.
    """
    prompter = open_prompter()
    answers = dict(given)
    asked = [question for question in questions if question.name in names]
    at = 0
    while at < len(asked):
        prompter.say("")
        prompter.say(f"{asked[at].group} · {at + 1} of {len(asked)}", strong=True)
        resolution = _settled(template, questions, answers, facts, asked[at], recorded)
        try:
            answers[asked[at].name] = ask_question(prompter, asked[at], resolution)
            at += 1
        except Back:
            at = max(at - 1, 0)
            answers.pop(asked[at].name, None)
    return answers


def confirm(text: str) -> bool:
    """Ask for confirmation."""
    try:
        return open_prompter().confirm(text, default=False)
    except Back:
        return False


def ask_text(message: str, default: str = "", validate: Callable[[str], str] | None = None, help: str = "") -> str:  # noqa: A002 - what it is
    """Ask for one line. ``validate`` says what is wrong with one, or nothing; ``help`` stands above.

    Raises ``Back`` when the person wants to go back, ``KeyboardInterrupt`` or ``EOFError`` when he stops.
    """
    prompter = open_prompter()
    say(prompter, help)
    text = default
    while True:
        text = prompter.text(message, text).strip()
        problem = validate(text) if validate else ""
        if not problem:
            return text
        refuse(prompter, [problem])


def ask_secret(name: str) -> str:
    """Ask for the value of a secret, without showing it, until it was typed twice alike and is not empty."""
    prompter = open_prompter()
    with _silent_terminal():
        while True:
            value = prompter.password(f"{name} (not shown):")
            if value and value == prompter.password(f"{name} again:"):
                return value
            prompter.say("the two values differ; try again" if value else "a secret can't be empty")


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


def opening_of(platform: Platform, subject: str) -> str:
    """The first sentence of a conversation: what it is about, and on which platform."""
    if platform.source == "built-in":
        origin = "the built-in profile; `newservice init` writes your own"
    else:
        origin = f"profile {platform.source}"
    return f"{subject} on the platform {platform.name} ({origin})."


def check_given(
    template: Template,
    questions: tuple[Question, ...],
    given: Mapping[str, Any],
    facts: Mapping[str, Any],
    file_alone: Container[str],
) -> None:
    """Raise ``AnswersError`` for what is wrong of ``given``.

    A default that is wrong is asked about, as is what a file says.
    """
    try:
        resolve(template, questions, given, facts)
    except AnswersError as error:
        relevant = (problem for problem in error.problems if problem.question in given)
        wrong = [item for item in relevant if item.code == "answer.unknown" or item.question not in file_alone]
        if wrong:
            raise AnswersError(wrong) from None


def _settled(
    template: Template,
    questions: tuple[Question, ...],
    answers: Mapping[str, Any],
    facts: Mapping[str, Any],
    until: Question,
    recorded: Mapping[str, Any],
) -> Resolution:
    """Everything that is known before ``until`` is asked."""
    resolution = Resolution(template, {**recorded, **answers})
    for question in questions:
        if question.name == until.name:
            break
        resolution.settle(question, answers, facts, recorded)
    return resolution
