"""Asks for a text, a number, or a list of words: one line that shows the current value and is read back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from generator.base.errors import UsageError
from generator.template.notation import read_yaml
from generator.template.questions import MISSING
from generator.wizard.fields import Shape, flow, is_text, written
from generator.wizard.layout import plain, wrap
from generator.wizard.prompter import Prompter

Judge = Callable[[Any], Sequence[str]]
"""The problems of a value, one sentence each."""


def ask_text(prompter: Prompter, label: str, shape: Shape, value: Any, judge: Judge, blanks: bool = False) -> Any:
    """One line; nothing is ``MISSING`` where nothing is no value. What is not touched stays as it is.

    A text that no line can hold is shown as YAML. ``blanks`` says whether those around it count. Raises ``Back``.
    """
    escaped = isinstance(value, str) and value != plain(value)
    label = f"{label} (YAML)" if escaped else label
    first = text = "" if value is MISSING or value is None else flow(value) if escaped else written(value)
    stays = value is not MISSING and not judge(value)
    while True:
        text = prompter.text(label, text)
        if stays and text == first:
            return value
        typed = text if blanks else text.strip()
        try:
            found = read_yaml(text) if escaped and typed else typed if is_text(shape) else _number(typed)
            problems = judge(found)
        except UsageError as error:
            problems = [error.message]
        if not typed and problems:
            return MISSING
        if not problems:
            return found
        refuse(prompter, problems)


def ask_words(prompter: Prompter, label: str, value: Any, judge: Judge) -> Any:
    """A list of words on one line; as YAML where they are none for a line. What is not touched stays as it is.

    Raises ``Back``.
    """
    items = [] if value is MISSING else [str(item) for item in value] if isinstance(value, list) else [str(value)]
    escaped = any(item != plain(item) for item in items)
    first = text = flow(items) if escaped else shlex.join(items)
    stays = value is not MISSING and not judge(value)
    label = f"{label} (YAML)" if escaped else label
    while True:
        text = prompter.text(label, text, "as in a shell; quotes keep words with spaces together")
        try:
            found = value if stays and text == first else read_yaml(text) if escaped else shlex.split(text)
        except UsageError as error:
            refuse(prompter, [error.message])
            continue
        except ValueError as error:
            refuse(prompter, [f"can't be split into words: {error}"])
            continue
        problems = judge(found)
        if not problems:
            return found
        refuse(prompter, problems)


def refuse(prompter: Prompter, problems: Sequence[str]) -> None:
    """Why an answer is not valid."""
    for problem in problems:
        prompter.say("\n".join(f"  {line}" for line in wrap(f"! {problem}", prompter.width() - 2)))


def _number(text: str) -> Any:
    """A whole number, written as one: 0123 is another number to YAML, and none here."""
    return int(text) if re.fullmatch("-?(0|[1-9][0-9]{0,20})", text) else text
