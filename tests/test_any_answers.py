"""Whatever is given, the end is answers or a list of what is wrong with them: never a fault of the template."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from generator.base.errors import AnswersError, Problem
from generator.template.answers import resolve
from generator.template.questions import Question
from generator.template.resolution import Resolution
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, UPSTREAM
from tests.fuzz import examples
from tests.test_schema import wellformed

PUBLIC = {question.name: question for question in QUESTIONS if question.public}
# What YAML and JSON can hold, and what else than that a program may hand over.
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1.5,
    math.inf,
    math.nan,
    "",
    "none",
    "[",
    "{a: b}",
    "~",
    "\x00",
    "\ud800",
]
ODD += [
    [],
    {},
    [None],
    [[]],
    {"": None},
    {1: 2},
    {None: {}},
    {"a": {"a": {"a": []}}},
    [{}] * 3,
    ["a"] * 1001,
    "x" * 5000,
]
ODD += [b"", b"x", date(2020, 1, 1), set(), (1,)]


def words(shape: Any) -> set[str]:
    """Every key and every choice inside of a structured answer: what comes close to one that is right."""
    if isinstance(shape, Mapping):
        own = {*shape.get("properties", {}), *map(str, shape.get("enum", []))}
        return own.union(*map(words, shape.values()))
    return set().union(*map(words, shape)) if isinstance(shape, list) else set()


def anything(question: Question) -> st.SearchStrategy[Any]:
    """Values of any type, with this question's own words in any place."""
    known = st.sampled_from(sorted(words(question.shape)) or ["none"])
    leaves = st.one_of(st.sampled_from(ODD), known, st.integers(), st.text(max_size=5))
    keys = st.one_of(known, known, st.sampled_from(["TOKEN", "REDIS_URL", 1, None, "\x1b[31m\n"]))
    return st.recursive(
        leaves,
        lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(keys, below, max_size=4)),
        max_leaves=8,
    )


def against(values: dict[str, Any], facts: dict[str, Any] | None = None) -> list[Problem]:
    """What newservice has against the answers; any other error is passed on."""
    try:
        resolve(TEMPLATE, QUESTIONS, values, facts)
    except AnswersError as error:
        return error.problems
    return []


@st.composite
def any_answers(draw: st.DrawFn) -> dict[str, Any]:
    """Right answers, with one to three replaced by what is nearly right, or by anything."""
    replaced = draw(st.lists(st.sampled_from(sorted(PUBLIC)), min_size=1, max_size=3, unique=True))
    values = {name: draw(st.one_of(wellformed[name], anything(PUBLIC[name]))) for name in replaced}
    return {**draw(st.sampled_from([SMALLEST, UPSTREAM, RICH])), **values}


@settings(
    max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(any_answers(), st.sampled_from([{}, {"layer": "stack"}, {"layer": "stack", "redis_index": 3}]))
@example({**SMALLEST, "probe": {"kind": "http", "which": ["liveness"] * 1001}}, {})
@example({**SMALLEST, "command": b"", "volumes": [{"name": "a", "mount": "/a"}]}, {})
def test_answers_are_taken_or_refused(values: dict[str, Any], facts: dict[str, Any]) -> None:
    problems = against(values, facts)
    event("refused" if problems else "taken")
    assert all(problem.message.isprintable() and problem.hint for problem in problems)


@pytest.mark.parametrize("question", sorted(PUBLIC))
def test_no_odd_value_is_a_fault_of_the_template(question: str) -> None:
    """Each alone, so that no other problem hides an expression that fails."""
    before = itertools.takewhile(lambda item: item.name != question, QUESTIONS)
    settled = Resolution(TEMPLATE)
    for item in before:
        settled.take(item, {} if item.internal else UPSTREAM)
    for value in ODD:
        if not settled.check(PUBLIC[question], value):
            against({**UPSTREAM, question: value})


def test_every_combination_of_kinds_is_settled() -> None:
    """Which questions apply is decided by these; what is skipped has its default everywhere."""
    kinds = itertools.product(
        ["web", "worker", "cronjob"], ["owned", "upstream"], [True, False], [0, 80], ["none", "required"]
    )
    settled = 0
    for kind, source, ci, port, auth in kinds:
        values = {"kind": kind, "image_source": source, "image": "nginx:1", "ci": ci, "port": port, "auth": auth}
        values |= {"auth_reason": "public", "language": "go", "database": "mysql", "redis": 1, "tier": "gpu"}
        problems = against({**SMALLEST, **values})
        assert [problem.question for problem in problems] == (["port"] if (kind, port) == ("web", 0) else [])
        settled += not problems
    assert settled == 40
