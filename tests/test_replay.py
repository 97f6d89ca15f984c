"""The renderer for many services makes the same bytes as copier."""

from __future__ import annotations

import pytest

from generator.template.answers import resolve
from generator.template.copier_renderer import render
from generator.template.renderer import Replay
from tests.answers import QUESTIONS, TEMPLATE
from tests.test_pairwise import services
from tests.upgrade.services import FACTS, golden

REPLAY = Replay(TEMPLATE)
STEP = 8
"""Every so many combinations of a seed: copier takes a tenth of a second for each."""


@pytest.mark.parametrize("seed", [1, 2])
def test_combinations_are_rendered_as_copier_renders_them(seed: int) -> None:
    """On the built-in platform, and on another one."""
    count = 0
    for service in services(seed)[::STEP]:
        facts = {**FACTS, "platform": service.project.platform.facts}
        for layer in ("service", "stack") if service.answers.owned else ("stack",):
            complete = resolve(TEMPLATE, QUESTIONS, service.answers.public, {**facts, "layer": layer})
            assert REPLAY.render(complete) == render(TEMPLATE, complete, layer, facts), (str(service), layer)
            count += 1
    assert count > 20


def test_golden_services_are_rendered_as_copier_renders_them() -> None:
    for origin in golden():
        for layer in origin.layers:
            answers = origin.answers[layer]
            files = render(origin.maker.template, answers, layer, {**FACTS, "platform": answers["platform"]})
            assert origin.files(layer) == files, (str(origin), layer)
