"""The renderer makes the same bytes as copier, and renders nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generator.base.errors import AnswersError, NewserviceError
from generator.template.answers import resolve
from generator.template.files import Layer
from generator.template.questions import load_questions
from generator.template.release_check import differences, plain_template
from generator.template.renderer import Renderer
from generator.template.template import Template
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, UPSTREAM, answer
from tests.full import few, full
from tests.test_golden import CASES, project
from tests.test_pairwise import services
from tests.upgrade.services import FACTS, golden

RENDERER = Renderer(TEMPLATE)
STEP = 24
"""Every so many combinations of a seed: copier takes the better part of a second for each."""

TELLING = ("rich", "hostile", "other-platform")
"""Cases with most in them, with words that mean something to every language, and with another profile."""

LAYERS: tuple[Layer, ...] = ("service", "stack")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template for copier."""
    return plain_template(TEMPLATE, tmp_path_factory.mktemp("template"))


@full
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_copier_makes_the_same_of_combinations(plain: Path, seed: int) -> None:
    """On the built-in platform, and on another one."""
    count = 0
    for service in services(seed)[::STEP]:
        for layer in LAYERS if service.answers.owned else LAYERS[1:]:
            made = RENDERER.render(service.answers.with_facts({**FACTS, "layer": layer}))
            assert differences(plain, made) == [], (str(service), layer)
            count += 1
    assert count > 4


@pytest.mark.slow
@pytest.mark.parametrize("case", few(1, dict.fromkeys([*TELLING, *CASES])))
def test_copier_makes_the_same_of_golden_services(plain: Path, case: str) -> None:
    answers = project(case).answers
    for layer in LAYERS if answers.owned else LAYERS[1:]:
        assert differences(plain, RENDERER.render(answers.with_facts({**FACTS, "layer": layer}))) == [], layer


@full
@pytest.mark.slow
def test_copier_makes_the_same_of_the_first_release(tmp_path: Path) -> None:
    origins = list(golden())[::8]
    first = plain_template(origins[0].maker.template, tmp_path)
    for origin in origins:
        for layer in origin.layers:
            assert differences(first, origin.files(layer)) == [], (str(origin), layer)


@pytest.mark.parametrize(
    "given", [SMALLEST, UPSTREAM, RICH, {**SMALLEST, "redis": True}], ids=lambda given: given["name"]
)
def test_facts_that_come_later_change_what_depends_on_them_alone(given: dict[str, object]) -> None:
    """One resolve serves both layers, before and after: the same answers as those resolved from the beginning."""
    begun = answer(given)
    for facts in (
        {"layer": "stack", "redis_index": 4},
        {"layer": "service"},
        {"layer": "service", "woodpecker_repo_id": 9},
    ):
        later, whole = begun.with_facts(facts), resolve(TEMPLATE, QUESTIONS, given, facts)
        assert later == whole
        assert list(later.context) == list(whole.context)
        kept = [name for name, value in begun.context.items() if later.context.get(name) is value]
        assert len(kept) > len(begun.context) - 6


@pytest.mark.parametrize("given", [SMALLEST, RICH], ids=lambda given: given["name"])
def test_only_what_holds_woodpeckers_number_is_rendered_again(given: dict[str, object]) -> None:
    renderer, answers = Renderer(TEMPLATE), answer(given)
    before = {file.path: file for file in renderer.render(answers.with_facts({"layer": "service"}))}
    stack = renderer.render(answers.with_facts({"layer": "stack"}))
    after = {file.path: file for file in renderer.render(answers.with_facts({"woodpecker_repo_id": 4711}))}
    again = {path for path, file in after.items() if file.content is not before[path].content}
    holding = {path for path, file in after.items() if b"4711" in file.content}
    assert holding == {".copier-answers.yml", ".github/workflows/build.yml"}
    assert again == holding | {".woodpecker/deploy.yml"}  # which names it for CI of the repository's own
    assert [file.content for file in renderer.render(answers.with_facts({"layer": "stack"}))] == [
        file.content for file in stack
    ]


def test_other_answers_are_rendered_as_if_they_were_the_first(tmp_path: Path) -> None:
    renderer = Renderer(TEMPLATE)
    for given in (SMALLEST, RICH, {**SMALLEST, "port": 1234}, {**SMALLEST, "redis": 1}, SMALLEST):
        for layer in LAYERS:
            answers = answer(given).with_facts({"layer": layer})
            assert renderer.render(answers) == Renderer(TEMPLATE).render(answers)


def test_what_was_resolved_before_changes_no_answers() -> None:
    """What a template remembers is compared by value and type, and what was wrong then is no part of it."""
    volumes = [{"name": "data", "mount": "/data"}]
    wishes: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        (SMALLEST, {}, {}),
        (RICH, {}, {}),
        ({**SMALLEST, "port": 1234, "volumes": volumes}, {}, {"layer": "stack"}),
        ({**SMALLEST, "port": 0, "volumes": volumes}, {}, {}),
        ({**SMALLEST, "replicas": 1}, {}, {}),
        ({**SMALLEST, "replicas": True}, {}, {}),
        ({"memory": "1Gi"}, RICH, {"layer": "stack"}),
        ({}, RICH, {"layer": "service", "woodpecker_repo_id": 7}),
        ({"database": "none"}, RICH, {}),
        ({**SMALLEST, "nothing_like_this": 1}, {}, {}),
        ({**SMALLEST, "tier": "edge"}, {"tier": "gone"}, {"profile": {"modules": []}}),
        ({}, {**SMALLEST, "access": ["Gone"], "tier": "gone"}, {}),
    ]
    for given, recorded, facts in wishes * 2:
        fresh = Template(TEMPLATE.root)
        assert outcome(TEMPLATE, given, recorded, facts) == outcome(fresh, given, recorded, facts)
    volumes[0]["name"] = "files"
    assert answer({**SMALLEST, "port": 1234, "volumes": volumes}).values["volumes"][0]["name"] == "files"


def outcome(
    template: Template, given: dict[str, Any], recorded: dict[str, Any], facts: dict[str, Any]
) -> tuple[object, ...]:
    """Answers in their order, or what is wrong with them."""
    try:
        found = resolve(template, load_questions(template), given, facts, recorded)
    except AnswersError as error:
        return tuple(error.problems)
    return found, list(found.context.items()), list(found.values), list(found.public)


def test_a_text_that_can_not_be_rendered_is_the_templates_fault(tmp_path: Path) -> None:
    template = Template(plain_template(TEMPLATE, tmp_path))
    place = template.root / "templates" / "service" / "python" / "README.md.jinja"
    place.write_text(place.read_text() + "[[ nothing_like_this ]]")
    with pytest.raises(
        NewserviceError, match=r"service template .* README.md: 'nothing_like_this' is undefined"
    ) as caught:
        Renderer(template).render(answer(SMALLEST))
    assert caught.value.code == "template.broken"
