"""The first question of all: what a service starts from. Its choices are data, in ``templates/start.yml``."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.template.template import Template
from generator.wizard.asking import say
from generator.wizard.prompter import Option, Prompter


@dataclass(frozen=True)
class Beginning:
    """One choice: the ``answers`` that it gives, and what is ``next``; ``asks`` and ``label`` are its own question.

    ``which`` asks for one of several services.
    """

    title: str
    explains: str
    next: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    asks: str = ""
    label: str = ""
    which: str = ""


def beginnings(template: Template, answered: Container[str]) -> tuple[Beginning, ...]:
    """The choices; none where the questions that are ``answered`` settle it, or the template has none."""
    said = template.start
    if any(name in answered for name in said.get("settled_by", ())):
        return ()
    return tuple(Beginning(title, **facts) for title, facts in said.get("choices", {}).items())


def ask_beginning(template: Template, prompter: Prompter, choices: tuple[Beginning, ...], chosen: int) -> int:
    """The number of the choice. Raises ``Back``."""
    options = [Option(number, item.title, item.explains) for number, item in enumerate(choices)]
    prompter.say("")
    prompter.say("Start", strong=True)
    return int(prompter.select(str(template.start["label"]), options, chosen))


def ask_source(prompter: Prompter, choice: Beginning, proposed: str = "") -> str:
    """What a choice asks for: a repository, or a file. Raises ``Back``."""
    prompter.say("")
    say(prompter, choice.asks)
    return prompter.text(choice.label, proposed).strip()
