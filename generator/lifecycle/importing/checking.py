"""Every answer is one that ``create`` takes, and none holds a secret: what is not is removed and reported. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from generator.base.errors import AnswersError, Problem
from generator.base.secrets import known_secret
from generator.lifecycle.importing.draft import MERGED, Draft, property_of
from generator.template.answers import resolve
from generator.template.questions import Question
from generator.template.template import Template

_STAND_IN = {"name": "a-service", "title": "A title", "description": "A description"}
"""Answers that are missing as a rule, so that everything else is checked."""

_ROUNDS = 40


def check(draft: Draft, template: Template, questions: tuple[Question, ...], platform: Mapping[str, Any]) -> None:
    """Remove from a draft what ``create`` would refuse, and report it, with everything that is missing.

    Raises ``AnswersError`` for what is wrong with the answers that a person gave.
    """
    told = {finding.question.partition(".")[0] for finding in draft.missing}
    for _ in range(_ROUNDS):
        try:
            resolve(template, questions, {**_STAND_IN, **draft.answers}, {"platform": platform})
        except AnswersError as error:
            if not _handled(draft, error.problems, told):
                return
        else:
            return


def without_secrets(draft: Draft) -> None:
    """Remove from a draft every value that is known to be a secret, whatever answer it came into."""
    env = draft.answers.get("env")
    for key, value in list(env.items()) if isinstance(env, dict) else []:
        if any(known_secret(text, words=False) for text in _texts(value)) and not draft.gave("env", key):
            del draft.answers["env"][key]
            place = f"secrets.{key}"
            draft.origins[place] = draft.origins.pop(f"env.{key}", "")
            draft.answers.setdefault("secrets", {})[key] = property_of(key)
            draft.report("secret", place, f"{key} is kept in Vault: the value of another secret is in it")
    for question, value in list(draft.answers.items()):
        if (
            question not in draft.given
            and question not in MERGED
            and any(known_secret(text, words=False) for text in _texts(value))
        ):
            del draft.answers[question]
            draft.report("missing", question, "what the file says holds the value of a secret, and is not copied")
    if not draft.answers.get("env", True):
        del draft.answers["env"]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _handled(draft: Draft, problems: list[Problem], told: set[str]) -> bool:
    """Whether anything was changed, so that what is left has to be checked again."""
    changed = False
    wrong = []
    first = {problem.question: problem for problem in reversed(problems)}  # the next round has the others
    for question, problem in first.items():
        if question in draft.answers:
            if _change(draft, problem):
                changed = True
            else:
                wrong.append(problem)
        elif question not in told:
            told.add(question)
            hint = problem.hint.partition(": ")[2] or problem.hint
            reason = problem.message if problem.code != "answer.missing" else f"{question} has to be answered: {hint}"
            draft.report("missing", question, reason)
    if wrong:
        raise AnswersError(wrong)
    return changed


def _change(draft: Draft, problem: Problem) -> bool:
    """Change or remove an answer that is refused. Whether that was possible: a person's own stays."""
    question, value = problem.question, draft.answers[problem.question]
    reason = re.sub(r" \(given: .*\)$", "", problem.message, flags=re.DOTALL)
    item = re.match(r"[a-z_]+\[([0-9]+)\]", problem.message)
    if question in draft.given and (question not in MERGED or not isinstance(value, dict)):
        return False
    if item and isinstance(value, list) and int(item[1]) < len(value):
        return _change_item(draft, question, value, int(item[1]), reason)
    if question in MERGED and isinstance(value, dict) and (key := _named(value, question, reason)):
        if draft.gave(question, key):
            return False
        del value[key]
        draft.refuse(f"{question}.{key}", reason)
        return True
    if question in draft.given:
        return False
    del draft.answers[question]
    draft.refuse(question, reason)
    return True


def _named(value: Mapping[str, Any], question: str, reason: str) -> str:
    """The entry of a map that a problem is about; empty where it names none."""
    marks = {key: (f"{question}.{key}:", f"'{key}'", f"{key} is ") for key in value}
    return next((key for key, texts in marks.items() if any(text in reason for text in texts)), "")


def _change_item(draft: Draft, question: str, value: list[Any], number: int, reason: str) -> bool:
    found = value[number]
    place = f"{question}.{found['name']}" if isinstance(found, dict) and "name" in found else question
    if "SQLite is never kept on NFS" in reason and found.get("kind") != "encrypted":
        found["kind"] = "encrypted"
        draft.report("assumed", place, "a SQLite database is on it, which is never kept on NFS")
        return True
    del value[number]
    if not value:
        del draft.answers[question]
    draft.refuse(place, reason)
    return True
