"""Every answer is one that ``create`` takes: what it would refuse is removed and reported. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from generator.base.errors import AnswersError, Problem
from generator.lifecycle.importing.draft import Draft
from generator.template.answers import resolve
from generator.template.questions import Question
from generator.template.template import Template

_STAND_IN = {"name": "a-service", "title": "A title", "description": "A description"}
"""Answers that are missing as a rule, so that everything else is checked."""

_ROUNDS = 30


def check(draft: Draft, template: Template, questions: tuple[Question, ...], platform: Mapping[str, Any]) -> None:
    """Remove from a draft what ``create`` would refuse, and report it, with everything that is missing."""
    facts = {"platform": platform}
    told = {finding.question.split(".")[0] for finding in draft.missing}
    for _ in range(_ROUNDS):
        try:
            resolve(template, questions, {**_STAND_IN, **draft.answers}, facts)
        except AnswersError as error:
            if not _handle(draft, error.problems, told):
                return
        else:
            return


def _handle(draft: Draft, problems: list[Problem], told: set[str]) -> bool:
    """Whether anything was removed, so that what is left has to be checked again."""
    removed = False
    for problem in problems:
        question = problem.question
        if question in draft.answers:
            removed |= _remove(draft, problem)
        elif question not in told:
            told.add(question)
            hint = problem.hint.partition(": ")[2] or problem.hint
            reason = problem.message if problem.code != "answer.missing" else f"{question} has to be answered: {hint}"
            draft.miss(question, reason)
    return removed


def _remove(draft: Draft, problem: Problem) -> bool:
    question = problem.question
    value = draft.answers[question]
    reason = re.sub(r" \(given: .*\)$", "", problem.message, flags=re.DOTALL)
    place = question
    entry = re.match(rf"{re.escape(question)}\[([0-9]+)\]", problem.message)
    key = re.match(rf"{re.escape(question)}\.([A-Za-z_][A-Za-z0-9_]*)", problem.message)
    if entry and isinstance(value, list) and int(entry[1]) < len(value):
        item = value.pop(int(entry[1]))
        place = f"{question}.{item['name']}" if isinstance(item, dict) and "name" in item else question
    elif key and isinstance(value, dict) and key[1] in value and question in ("env", "secrets"):
        del value[key[1]]
        place = f"{question}.{key[1]}"
    else:
        value = None
    if not value:
        del draft.answers[question]
    draft.refuse(place, reason)
    return True
