"""Any answers, then any others, then back: trees, entries and systems are as they were."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
import yaml

from generator.base.errors import AnswersError
from generator.template.answers import Answers
from generator.template.gates import losses
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, UPSTREAM, answer, values_of
from tests.change.forge import change, differing, merge_all, state
from tests.full import few
from tests.world import Completed, World

SEED = 20261130
PAIRS = 5
"""In each of the tests of ``make test-all``, with one service."""
BEGINNINGS = [RICH, SMALLEST, UPSTREAM]
FIXED = {"name", "image_source", "language"}
"""What no change alters; the language decides the whole repository."""
CHANGING = [question for question in QUESTIONS if question.public and question.name not in FIXED]


def some_answers(chance: Random, given: Mapping[str, Any]) -> dict[str, Any]:
    """These answers with a few others, each valid with the rest."""
    found = dict(given)
    for question in chance.sample(CHANGING, chance.randint(1, 8)):
        values = values_of(question)
        if not values:
            continue
        tried = {**found, question.name: chance.choice(values)}
        try:
            answer(tried)
        except AnswersError:
            continue
        found = tried
    return found


def become(world: World, before: Answers, after: Answers) -> Completed:
    """Change a service to exactly these answers, with everything agreed to."""
    place = world.folder / "wanted.yml"
    place.write_text(yaml.safe_dump(dict(after.public), allow_unicode=True, sort_keys=True))
    flags = [word for name in after.public if name != "name" for word in ("--replace", name)]
    flags += [word for loss in losses(TEMPLATE, QUESTIONS, before, after) for word in ("--accept-loss", loss.place)]
    flags += [word for name in after.known_elsewhere for word in ("--seed", f"{name}=later")]
    return change(world, after.name, "--answers", str(place), "--open", *flags)


@pytest.mark.parametrize(
    ("number", "pairs"),
    few(3, [*((number, 1) for number in range(3)), *((number, PAIRS) for number in range(40))], apart=True),
)
def test_there_and_back(world: World, number: int, pairs: int) -> None:
    chance = Random(SEED + number)
    given = some_answers(chance, world.fit(BEGINNINGS[number % len(BEGINNINGS)]))
    home = answer(given)
    seeds = [word for name in home.known_elsewhere for word in ("--seed", f"{name}=later")]
    assert world.run("create", given, *seeds).code == 0
    world.merge(home.name)
    before = state(world, home.name)
    for _ in range(pairs):
        away = answer(some_answers(chance, given))
        for start, goal in ((home, away), (away, home)):
            done = become(world, start, goal)
            assert done.code == 0, [item["message"] for item in done.of("error")]
            merge_all(world, home.name)
            assert change(world, home.name).code == 0
            assert change(world, home.name).result["status"] == "unchanged"
        after = state(world, home.name)
        vault = {"vault": before["vault"]}  # a secret is never deleted
        assert differing({**after, **vault}, before) == ""
