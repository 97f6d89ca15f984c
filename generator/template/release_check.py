"""Whether a template is fit to be released: copier and our own renderer make the same files of it.

Copier is what a plain ``copier update`` uses, ours is what updates of many services use. Were they to differ, one
release would be two.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import yaml
from jinja2 import TemplateError

from generator.base.errors import AnswersError, NewserviceError, UsageError
from generator.template.answers import Answers, resolve
from generator.template.copier_renderer import Layer, render
from generator.template.questions import load_questions
from generator.template.renderer import Replay
from generator.template.template import Template

SMALLEST = {"name": "sample", "title": "Sample", "description": "A sample", "image": "ghcr.io/example/sample:1.0.0"}
"""What the smallest services say; an answer whose question does not apply is passed over."""

VARIED = ("image_source", "language", "kind")
"""The questions that decide which files there are: every combination of their choices is rendered."""


def check_template(template: Template) -> int:
    """Render the smallest service of each kind and language with copier and with our own renderer; how many trees.

    Raises ``UsageError`` when the template can't be read or rendered, or when the two differ.
    """
    try:
        return _check(template)
    except UsageError:
        raise
    except NewserviceError as error:
        raise _unfit(error.message) from error
    except (TemplateError, yaml.YAMLError, OSError, LookupError, TypeError, ValueError) as error:
        raise _unfit(f"it can't be read or rendered: {type(error).__name__}: {error}") from error


def _check(template: Template) -> int:
    replay, count = Replay(template), 0
    for layer, answers in _samples(template):
        ours, copiers = replay.render(answers), render(template, answers, layer, {})
        different = sorted({file.path for file in set(ours) ^ set(copiers)})
        if different:
            told = ", ".join(str(answers.values[name]) for name in VARIED if name in answers.values)
            raise _unfit(f"copier and newservice make different files of {told}: {', '.join(different)}")
        count += 1
    return count


def _samples(template: Template) -> Iterator[tuple[Layer, Answers]]:
    """The layers of the smallest services that the template allows. Raises ``UsageError`` where it allows none."""
    questions = load_questions(template)
    choices = {question.name: question.choices for question in questions if question.name in VARIED}
    layers: tuple[Layer, ...] = ("service", "stack")
    seen: list[dict[str, object]] = []
    refused = ""
    for layer, chosen in product(layers, product(*choices.values())):
        given = {**SMALLEST, **dict(zip(choices, chosen, strict=True))}
        try:
            answers = resolve(template, questions, given, {"layer": layer})
        except AnswersError as error:  # choices that don't go together
            refused = error.problems[0].message
            continue
        if answers.values not in seen and (answers.owned or layer == "stack"):
            seen.append(answers.values)
            yield layer, answers
    if not seen:
        raise _unfit(f"it allows no small service: {refused}")


def _unfit(why: str) -> UsageError:
    return UsageError(
        "template.unfit", f"the template is not fit to be released: {why}", "correct the template; nothing was released"
    )
